"""`wait`: until AWS has finished what it is doing to some tables; before a rollback, until it would delete an index."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.session.waiting import idle, wait_for
from migration.steps.step import OfIndex, OfTables
from stack.ledger.ledger import Facts
from stack.world.live import ACTIVE, DELETING, LiveTable
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class Wait(OfTables):
    """Waits until no change of these tables or of their indexes is in progress."""

    ACTION = "wait"

    def apply(self, context: Context, world: World) -> Facts:
        for name in self.names:
            wait_for(context, name, idle(context))
        return {}

    def effect(self, world: World) -> World:
        for name in self.names:
            live = world.live[name]
            indexes = {
                index: replace(found, status=ACTIVE, backfilling=False)
                for index, found in live.indexes.items()
                if found.status != DELETING
            }
            world = world.with_table(replace(live, status=ACTIVE, indexes=indexes))
        return world


@dataclass(frozen=True, kw_only=True)
class WaitDeletable(OfIndex):
    """Waits until the index is ACTIVE, or is backfilled by AWS, and no other index of the table changes."""

    ACTION = "wait"

    def apply(self, context: Context, world: World) -> Facts:
        def allowed(live: LiveTable) -> bool:
            found = live.indexes.get(self.index.name)
            filling = " and backfilling" if found and found.backfilling else ""
            states = [f"{name} {other.status}" for name, other in live.indexes.items() if other.status != ACTIVE]
            context.reporter.progress(0, 0, f"{', '.join(states) or f'table {live.status}'}{filling}")
            return deletable(live, self.index.name)

        wait_for(context, self.table.name, allowed)
        return {}

    def effect(self, world: World) -> World:
        live = world.live[self.table.name]
        indexes = {name: replace(found, status=ACTIVE) for name, found in live.indexes.items()}
        return world.with_table(replace(live, status=ACTIVE, indexes=indexes))


def deletable(live: LiveTable, name: str) -> bool:
    """Whether AWS would delete the index now: one that is being created only while it backfills, and one at a time."""
    found = live.indexes.get(name)
    if any(other.status != ACTIVE for key, other in live.indexes.items() if key != name):
        return False
    return found is None or found.backfilling or (live.status == ACTIVE and found.status == ACTIVE)
