"""`wait`: until AWS has finished what it is doing to some tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.session.waiting import idle, wait_for
from migration.steps.step import Step
from stack.ledger.ledger import Facts
from stack.world.live import ACTIVE, DELETING
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class Wait(Step):
    """Waits until no change of these tables or of their indexes is in progress."""

    ACTION = "wait"

    names: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return self.names

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
        for name in self.names:
            wait_for(context, name, idle(context))
        return {}

    def effect(self, world: World) -> World:
        """See Step."""
        for name in self.names:
            live = world.live[name]
            indexes = {
                index: replace(found, status=ACTIVE, backfilling=False)
                for index, found in live.indexes.items()
                if found.status != DELETING
            }
            world = world.with_table(replace(live, status=ACTIVE, indexes=indexes))
        return world
