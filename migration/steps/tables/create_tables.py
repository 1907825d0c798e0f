"""`create-tables`: the new tables, each with all of its indexes.

Its rollback takes their protection off, then removes them, with a backup of each that holds data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dynamo.expressions import Expressions
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.steps.agreement import agreed, forget, forgotten
from migration.steps.step import Step, Up
from migration.steps.tables.adopt import record_tables
from migration.steps.tables.backup import Backup
from schema.errors import Refused
from schema.model import Table
from schema.references import table_of
from stack.declaration import present
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Facts
from stack.ledger.records import TableProof
from stack.ledger.rollback import IntentProof
from stack.world.live import STREAM_VIEW_TYPE, LiveIndex, LiveTable
from stack.world.world import World

BEFORE_ROLLBACK = "rollback"
"""What stands in the names of backups that are made before tables are removed."""


@dataclass(frozen=True, kw_only=True)
class OfNewTables(Up):
    """A step about these `new` tables."""

    new: tuple[Table, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.new)


@dataclass(frozen=True, kw_only=True)
class CreateTables(OfNewTables):
    """One `up` that creates all new tables, which are empty, so that their indexes are built at once."""

    ACTION = "create-tables"

    def apply(self, context: Context, world: World) -> Facts:
        if not world.managed.created:
            context.engine.create_stack()
        context.engine.up(world.live, present(context.schema, world).with_tables(self.new))
        return {"streams": record_tables(context, self.tables)}

    def effect(self, world: World) -> World:
        for table in self.new:
            world = world.with_table(
                LiveTable(
                    name=table.name,
                    keys=table.keys,
                    billing_mode=table.billing_mode,
                    throughput=table.throughput,
                    indexes={index.name: LiveIndex(index) for index in table.indexes},
                    stream=STREAM_VIEW_TYPE,
                    point_in_time_recovery=True,
                    deletion_protection=True,
                    ttl=table.ttl,
                )
            ).with_proof(TableProof(subject=table.name))
        return self.managed(world)

    def undo(self) -> tuple[Step, ...]:
        return (
            ReleaseTables(schema=self.schema, new=self.new),
            RemoveTables(schema=self.schema, new=self.new),
        )


@dataclass(frozen=True, kw_only=True)
class ReleaseTables(OfNewTables):
    """One `up` that takes the protection off the new tables that are live."""

    ACTION = "release-tables"

    def apply(self, context: Context, world: World) -> Facts:
        world = agreed(context)
        there = [table for table in self.new if table.name in world.live]
        context.engine.up(world.live, present(context.schema, world).releasing(there))
        return {}

    def effect(self, world: World) -> World:
        for name in self.tables:
            if name in world.live:
                world = world.with_table(replace(world.live[name], deletion_protection=False))
        return self.managed(world)


@dataclass(frozen=True, kw_only=True)
class RemoveTables(OfNewTables):
    """Removes new tables; of those that hold data only the `confirmed` ones, which are backed up before."""

    ACTION = "remove-tables"

    confirmed: frozenset[str] = frozenset()
    backed_up: frozenset[str] = frozenset()

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises Refused when somebody has written to a table that was not confirmed."""
        world = agreed(context)
        # Somebody may have written meanwhile.
        holding = holding_data(context, world, self.new)
        refuse_unconfirmed(world, self.new, holding, self.confirmed)
        backups = {
            name: Backup(table=name, schema=self.schema, before=BEFORE_ROLLBACK).apply(context, world)["arn"]
            for name in sorted(holding & set(world.live) - self.backed_up)
        }
        forget(context, lambda subject: table_of(subject) in self.tables)
        # Also those that are gone: what a killed rollback has left behind for them is taken back as well.
        resources = self._resources
        there = [table for table in self.new if table.name in world.live]
        with intending(context.ledger, Intent.DELETE, resources):
            if there:
                declaration = present(context.schema, world).releasing(there).without_tables(there)
                context.engine.up(world.live, declaration, deletions=resources)
        return {"backups": backups}

    def effect(self, world: World) -> World:
        """See Step. Tables that are gone already are only forgotten."""
        is_up = present(self.schema, world).has_imports or any(name in world.live for name in self.tables)
        world = replace(world, live={name: table for name, table in world.live.items() if name not in self.tables})
        world = forgotten(world, lambda subject: table_of(subject) in self.tables)
        for resource in self._resources:
            world = world.without_proofs(resource, IntentProof)
        return self.managed(world) if is_up else self.refreshed(world)

    @property
    def _resources(self) -> frozenset[str]:
        """The Pulumi resources of the tables and their indexes."""
        return frozenset({*self.tables, *(str(ref) for table in self.new for ref in table.refs)})


def holding_data(context: Context, world: World, tables: Iterable[Table]) -> frozenset[str]:
    """The tables that hold data, or may have held some: one that somebody else has deleted cannot be asked."""

    def may_hold(name: str) -> bool:
        if name in world.live:
            # Read consistently, because AWS's own count is hours old.
            pages = reader_of(context, world.live[name]).scan(Expressions(), most_a_page=1, consistent=True)
            return any(page.items for page in pages)
        return world.proofs.get(IntentProof, name) is None

    return frozenset(table.name for table in tables if may_hold(table.name))


def refuse_unconfirmed(
    world: World, tables: Iterable[Table], holding: frozenset[str], confirmed: frozenset[str]
) -> None:
    """Raises Refused unless all tables that hold data were confirmed by name."""
    unconfirmed = [table.name for table in tables if table.name in holding - confirmed]
    if not unconfirmed:
        return
    flag = f"If that is right, add: --holding-data {','.join(sorted(confirmed | set(unconfirmed)))}"
    gone = [name for name in unconfirmed if name not in world.live]
    if gone:
        raise Refused(
            f"New tables are gone, and may have held data: {', '.join(gone)}.",
            "No rollback has removed them. If you name them, they are forgotten. `migrate` then creates them empty.",
            flag,
        )
    raise Refused(
        f"New tables hold data: {', '.join(unconfirmed)}.",
        "They are removed only if they are named, and backed up before.",
        flag,
    )
