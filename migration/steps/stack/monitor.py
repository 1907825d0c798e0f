"""`monitor`: alarms, dashboard, topic and subscriptions as the program declares them."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.context import Context
from migration.steps.step import Up
from stack.declaration import present
from stack.ledger.ledger import Facts
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class Monitor(Up):
    """Declares what monitors the stack, where no other `up` of the run does."""

    ACTION = "monitor"

    @property
    def tables(self) -> tuple[str, ...]:
        return ()

    def apply(self, context: Context, world: World) -> Facts:
        context.engine.up(world.live, present(context.schema, world))
        return {"monitors": len(world.unmonitored)}

    def effect(self, world: World) -> World:
        return self.managed(world)

    def told(self, facts: Facts) -> str:
        return f"{facts['monitors']} declared"
