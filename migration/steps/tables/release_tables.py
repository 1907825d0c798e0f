"""First half of the rollback of `create-tables`: protection against deletion off."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.steps.agreement import agreed
from migration.steps.step import Up
from schema.model import Table
from stack.declaration import present
from stack.ledger.ledger import Facts
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class ReleaseTables(Up):
    """One `up` that takes the protection off the new tables that are live."""

    ACTION = "release-tables"

    new: tuple[Table, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.new)

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
        world = agreed(context)
        there = [table for table in self.new if table.name in world.live]
        context.engine.up(world.live, present(context.schema, world).releasing(there))
        return {}

    def effect(self, world: World) -> World:
        """See Step."""
        for name in self.tables:
            if name in world.live:
                world = world.with_table(replace(world.live[name], deletion_protection=False))
        return self.managed(world)
