"""The run: plan, do the first step, read the world again, plan again; until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from migration.backfilling import paused
from migration.context import Context
from migration.plan import Action, Held, Plan, Step
from migration.steps import apply
from stack.aws import translated_errors
from stack.errors import EngineLost, ToolError, VerificationFailed
from stack.ledger import Facts, now
from stack.world import World


@dataclass(frozen=True)
class Done:
    """One finished step: how long it took (seconds) and what was recorded of it."""

    step: Step
    seconds: float
    facts: Facts


@dataclass
class Summary:
    """What a run did. `run` is its id in the ledger, None when there was nothing to do."""

    run: str | None = None
    done: list[Done] = field(default_factory=list)
    held: tuple[Held, ...] = ()
    left_alone: tuple[str, ...] = ()
    ups: int = 0
    seconds: float = 0.0
    narrowed_to: str | None = None


Narrowing = Callable[[Plan], Plan]
"""Leaves of a plan what a run is to do."""


def migrate(context: Context, table: str | None = None, index: str | None = None) -> Summary:
    """Takes the stack to the schema, or as far as shut gates allow. Raises ToolError."""
    return run(context, lambda plan: plan.narrowed(table, index), "migrate", table)


def run(context: Context, narrowing: Narrowing, command: str, table: str | None) -> Summary:
    """Does what `narrowing` leaves of the plan; `table` is what it was narrowed to, if to one. Raises ToolError.

    Nothing to do writes nothing and runs no `up`. The next run goes on from what AWS, Pulumi's state and the ledger
    then say.
    """
    began = time.monotonic()
    with translated_errors(context.config):
        plan = narrowing(context.plan(context.read_world()))
        context.observer.planned(plan)
        summary = Summary(narrowed_to=table)
        if plan.steps:
            context.ledger.create()
            context.ledger.prove("owner", "stack", {"stack": context.config.stack})
            # Whatever was verified before, this run is about to change it.
            context.ledger.disprove("verify", "stack")
            summary.run = context.ledger.start_run(command, context.schema.digest)
            plan = _run(context, summary, summary.run, narrowing)
    summary.held, summary.left_alone = plan.held, plan.left_alone
    summary.ups = context.engine.ups
    summary.seconds = time.monotonic() - began
    return summary


def _run(context: Context, summary: Summary, run: str, narrowing: Narrowing) -> Plan:
    lost: set[str] = set()
    try:
        while True:
            world = context.read_world()
            plan = narrowing(context.plan(world))
            if not plan.steps:
                context.ledger.end_run(run, "waiting" if plan.held else "done")
                return plan
            pause = context.ledger.paused()
            if pause is not None:
                raise paused(context, pause)
            step = plan.steps[0]
            if step.action is not Action.WAIT and any(step.name == done.step.name for done in summary.done):
                raise VerificationFailed(
                    f"{step.name} was done, and is still to do: {step.why}.",
                    "AWS does not show what the step changed.",
                    f"Run: ./invoke status --stack {context.config.stack}",
                )
            try:
                summary.done.append(_do(context, world, step, run, len(summary.done) + 1, len(plan.steps)))
            except EngineLost:
                # The world says what was done and what is left, so it is planned anew; once a step.
                if step.name in lost:
                    raise
                lost.add(step.name)
    except BaseException as error:
        context.ledger.end_run(run, _what(error))
        raise


def _what(error: BaseException) -> str:
    return error.what if isinstance(error, ToolError) else type(error).__name__


def _do(context: Context, world: World, step: Step, run: str, number: int, left: int) -> Done:
    started, began = now(), time.monotonic()
    context.observer.started(step, number, number - 1 + left)
    try:
        with translated_errors(context.config):
            facts = apply(context, world, step)
    except BaseException as error:
        context.ledger.record_step(run, number, step.name, started, _what(error), {})
        raise
    seconds = time.monotonic() - began
    context.ledger.record_step(run, number, step.name, started, "done", facts)
    context.observer.ended(step, seconds, facts)
    return Done(step, seconds, facts)
