"""The stages of a rollback: proposed, then done one after the other, shown, recorded, and stopped only in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from migration.session.context import Context
from migration.session.exclusive import alone
from migration.session.waiting import refuse_if_paused
from migration.steps.step import Step
from schema.errors import EngineLost, Refused, ToolError, VerificationFailed
from stack.aws import translated_errors
from stack.declaration import present
from stack.ledger.history import ROLLED_BACK
from stack.ledger.intents import KIND, clear
from stack.ledger.ledger import Facts
from stack.world.managed import MONITOR_TYPES
from stack.world.world import World

T = TypeVar("T")
Stage = tuple[Step, Callable[[], Facts]]
"""What is shown and recorded of a stage, and the doing of it, which returns what is worth recording."""


@dataclass(frozen=True)
class Proposal(Generic[T]):
    """A rollback that nothing stands against: what it will do, a line each; and the doing of it, which returns what was
    done. Nothing was changed yet."""

    says: tuple[str, ...]
    do: Callable[[], T]


def through(context: Context, what: str, stages: Callable[[World], Iterable[Stage]]) -> str:
    """Does the stages of the rollback of `what`, with the stack to oneself; they are listed from the world as it is
    then. Returns the run's id.

    Raises Waiting on a paused stack, Refused when somebody else is at work, and what the stages raise.
    """
    refuse_if_paused(context)
    with alone(context, f"rollback of {what}") as recorded:
        listed = list(stages(context.read_world()))
        for number, (step, act) in enumerate(listed, 1):
            context.safe_point()
            refuse_if_paused(context)
            began = time.monotonic()
            context.observer.started(step, number, len(listed))
            with recorded.step(step.name) as facts:
                try:
                    with translated_errors(context.config):
                        facts.update(act())
                except Exception as error:
                    # What fails in a stage that was being stopped, fails because of that.
                    context.interrupts.check()
                    raise _to_repeat(error) from error
            context.observer.ended(step, time.monotonic() - began, facts)
        recorded.result = ROLLED_BACK
        clear(context.ledger)
        return recorded.id


def _to_repeat(error: Exception) -> Exception:
    """What failed, but the engine's advice is meant for a migration: that would build again what is being removed."""
    if isinstance(error, ToolError) and type(error) in {ToolError, EngineLost}:
        return ToolError(error.what, error.why, "Mend that, then repeat the rollback: it goes on from what is there.")
    return error


def agreed(context: Context) -> World:
    """The world, once Pulumi's state is as AWS is: what is gone is forgotten, what it lacks imported. Else the next
    `up` would be about that as well."""
    world = context.read_world()
    there = present(context.schema, world)
    gone = (world.managed.tables | world.managed.indexes) - there.tables - there.indexes
    if world.managed.pending or gone:
        context.engine.refresh()
        world = context.read_world()
        there = present(context.schema, world)
    if there.imports:
        context.engine.up(world.live, there)
        world = context.read_world()
    return world


def verifying(context: Context, step: Step, holds: Callable[[World], Iterable[tuple[str, bool]]]) -> Stage:
    """The last stage: what the rollback was to bring about (each with whether it holds) is looked for in AWS, in
    Pulumi's state and in the plan, and an `up` of what is there would change nothing."""

    def verify() -> Facts:
        world = context.read_world()
        changes = context.engine.preview(world.live, present(context.schema, world))
        # What watches a table that somebody else has deleted goes with the next `up`.
        losing = [change for change in changes if change.type not in MONITOR_TYPES]
        checks = [*holds(world), ("an `up` of what AWS has changes nothing", not losing)]
        failed = [what for what, true in checks if not true]
        if failed:
            raise VerificationFailed(
                "The rollback is not what it should be.",
                f"It does not hold that {'; that '.join(failed)}.",
                f"Run: ./invoke plan --stack {context.config.stack}",
            )
        return {"checks": len(checks)}

    return step, verify


def ahead(context: Context) -> tuple[str, ...]:
    """The names of the steps that `migrate` would do now; none where it would refuse."""
    return tuple(step.name for step in planned(context, context.read_world()) or ())


def planned(context: Context, world: World) -> tuple[Step, ...] | None:
    """The steps that `migrate` would do; None where it would refuse, for a reason that is not the rollback's."""
    try:
        return context.plan(world).steps
    except Refused as refusal:
        context.observer.noted(f"`migrate` would refuse: {refusal.what} {refusal.why}")
        return None


def forget(context: Context, subjects: Callable[[str], bool]) -> None:
    """Takes back all that was proven of some resources, but for what is still true of what is gone: that it was backed
    up or rolled back."""
    context.ledger.disprove("verify", "stack")
    for name in context.ledger.proofs().facts:
        kind, _, subject = name.partition("#")
        if subjects(subject) and kind not in {"backup", KIND, "rolled-back"}:
            context.ledger.disprove(kind, subject)
