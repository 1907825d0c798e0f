"""`adopt`: everything that is live into Pulumi's state; streams, point-in-time recovery and protection on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.session.waiting import wait_for
from migration.steps.step import OfTables, Up
from stack.declaration import present
from stack.ledger.ledger import Facts
from stack.ledger.records import TableProof
from stack.world.live import wanted_stream
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class Adopt(OfTables, Up):
    """One `up` for the whole stack. `names` are the tables that need it, by their names in the schema; the streams of
    `kept_streams` stay as they are."""

    ACTION = "adopt"
    NEEDS_BACKUP = True

    kept_streams: frozenset[str] = frozenset()

    def apply(self, context: Context, world: World) -> Facts:
        if not world.managed.created:
            context.engine.create_stack()
        elif world.managed.pending or any(name in world.managed.tables for name in self.names):
            # Pulumi compares the program with its state: what was changed by hand has to be read into that first.
            context.engine.refresh()
            world = context.read_world()
        context.engine.up(world.live, present(context.schema, world))
        return {"streams": record_tables(context, tuple(world.live))}

    def effect(self, world: World) -> World:
        for name, live in world.live.items():
            ttl = self.schema.table(name).ttl or live.ttl
            stream = wanted_stream(live, self.kept_streams)
            world = world.with_table(
                replace(live, stream=stream, point_in_time_recovery=True, deletion_protection=True, ttl=ttl)
            ).with_proof(TableProof(subject=name))
        return self.managed(world)


def record_tables(context: Context, names: tuple[str, ...]) -> dict[str, str]:
    """Waits until these tables are idle, notes that they are there, and returns the ARN of each one's stream."""
    arns: dict[str, str] = {}
    for name in names:
        arns[name] = wait_for(context, name, lambda table: table.is_idle).stream_arn or ""
        context.ledger.prove(TableProof(subject=name, stream=arns[name]))
    return arns
