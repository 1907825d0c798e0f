"""A rollback: proposed, then run as a plan of steps by the runner of migrations, and verified by its last step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from migration.plan.result import Plan
from migration.run.runner import Summary, Undertaking, plan_of, run
from migration.session.context import Context
from migration.session.waiting import refuse_if_paused
from migration.steps.step import Step
from schema.errors import Refused
from stack.ledger.history import ROLLED_BACK
from stack.ledger.ledger import Facts
from stack.world.world import World

T = TypeVar("T")
AGAIN = "Mend that, then repeat the rollback: it goes on from what is there."


@dataclass(frozen=True)
class Proposal(Generic[T]):
    """A rollback that nothing stands against: what it will do, a line each; and the doing of it, which returns what was
    done. Nothing was changed yet."""

    says: tuple[str, ...]
    do: Callable[[], T]


@dataclass(frozen=True)
class RolledBack:
    """A rollback that is done and verified: the id of its `run` in the history, what it `did`, what was noted of that,
    and the steps that are `ahead`: what `migrate` would do now."""

    run: str
    did: str
    facts: Facts
    ahead: tuple[str, ...]


def roll_back(context: Context, what: str, steps: Callable[[World], Iterable[Step]]) -> Summary:
    """Runs the rollback of `what`: the `steps` that the world still needs, each once. Raises Waiting on a paused stack,
    Refused when somebody else is at work, and what the steps raise."""
    refuse_if_paused(context)

    def left(world: World, done: Collection[str]) -> Plan:
        return Plan(tuple(step for step in steps(world) if step.name not in done))

    return run(context, Undertaking(f"rollback of {what}", left, result=ROLLED_BACK, again=AGAIN))


def ahead(context: Context) -> tuple[str, ...]:
    """The names of the steps that `migrate` would do now; none where it would refuse."""
    return tuple(step.name for step in planned(context, context.read_world()) or ())


def planned(context: Context, world: World) -> tuple[Step, ...] | None:
    """The steps that `migrate` would do; None where it would refuse, for a reason that is not the rollback's."""
    try:
        return plan_of(context, world).steps
    except Refused as refusal:
        context.reporter.noted(f"`migrate` would refuse: {refusal.what} {refusal.why}")
        return None
