"""`create-tables`: the new tables, each with all of its indexes."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.context import Context
from migration.steps.step import Step, Up
from migration.steps.tables.adopt import record_tables
from migration.steps.tables.release_tables import ReleaseTables
from migration.steps.tables.remove_tables import RemoveTables
from schema.model import Table
from stack.declaration import present
from stack.ledger.ledger import Facts
from stack.ledger.records import TableProof
from stack.world.live import STREAM_VIEW_TYPE, LiveIndex, LiveTable
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class CreateTables(Up):
    """One `up` that creates all new tables, which are empty, so that their indexes are built at once."""

    ACTION = "create-tables"

    new: tuple[Table, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.new)

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
        if not world.managed.created:
            context.engine.create_stack()
        context.engine.up(world.live, present(context.schema, world).with_tables(self.new))
        return {"streams": record_tables(context, self.tables)}

    def effect(self, world: World) -> World:
        """See Step."""
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
        """See Step."""
        return (
            ReleaseTables(schema=self.schema, new=self.new),
            RemoveTables(schema=self.schema, new=self.new),
        )
