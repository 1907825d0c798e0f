"""The run: plan, do the first step, read the world again, plan again; until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from migration.session.context import Context
from migration.session.exclusive import alone
from migration.session.waiting import paused
from migration.steps.apply import apply
from migration.steps.step import EVIDENCE, Action, Held, Plan, Step
from schema.errors import EngineLost, Interrupted, VerificationFailed
from stack.aws import translated_errors
from stack.ledger.history import WAITING, Run
from stack.ledger.ledger import Facts
from stack.world.world import World


@dataclass(frozen=True)
class Done:
    """One finished step: how long it took (seconds) and what was recorded of it."""

    step: Step
    seconds: float
    facts: Facts


@dataclass
class Summary:
    """What a run did. `run` is its id in the history, None when there was nothing to do."""

    run: str | None = None
    done: list[Done] = field(default_factory=list)
    held: tuple[Held, ...] = ()
    left_alone: tuple[str, ...] = ()
    ups: int = 0
    seconds: float = 0.0
    narrowed_to: str | None = None


LATE_WRITERS = "late-writers"
"""The command that only looks for late writers, again and again: nobody wants to be told of each look."""
Narrowing = Callable[[Plan], Plan]
"""Leaves of a plan what a run is to do."""


def migrate(context: Context, table: str | None = None, index: str | None = None) -> Summary:
    """Takes the stack to the schema, or as far as shut gates allow. Raises ToolError."""
    return run(context, lambda plan: plan.narrowed(table, index), "migrate", table)


def run(context: Context, narrowing: Narrowing, command: str, table: str | None) -> Summary:
    """Does what `narrowing` leaves of the plan; `table` is what it was narrowed to, if to one. Raises ToolError.

    Nothing to do takes no lease, writes nothing and runs no `up`. The next run goes on from what AWS, Pulumi's state
    and the ledger then say.
    """
    began = time.monotonic()
    with translated_errors(context.config):
        context.ledger.lease.refuse_if_held()
        plan = narrowing(context.plan(context.read_world()))
        summary = Summary(narrowed_to=table)
        if plan.steps:
            with alone(context, command, told=command != LATE_WRITERS) as recorded:
                context.observer.planned(plan)
                context.ledger.prove("owner", "stack", {"stack": context.config.stack})
                if any(step.action not in EVIDENCE for step in plan.steps):
                    # Whatever was verified before, this run is about to change it.
                    context.ledger.disprove("verify", "stack")
                summary.run = recorded.id
                plan = _run(context, summary, recorded, narrowing)
    summary.held, summary.left_alone = plan.held, plan.left_alone
    summary.ups = context.engine.ups
    summary.seconds = time.monotonic() - began
    return summary


def _run(context: Context, summary: Summary, recorded: Run, narrowing: Narrowing) -> Plan:
    lost: set[str] = set()
    done: set[str] = set()
    while True:
        world = context.read_world()
        plan = narrowing(context.plan(world, done))
        if not plan.steps:
            if plan.held:
                recorded.result = WAITING
                recorded.why = "; ".join(f"{held.subject}: {held.shut[0].evidence}" for held in plan.held)
                task = LATE_WRITERS if any(held.is_new for held in plan.held) else "gate"
                recorded.next = f"./invoke {task} --stack {context.config.stack}"
            return plan
        step = plan.steps[0]
        pause = context.ledger.paused()
        if pause is not None:
            raise paused(context, pause)
        if step.action is not Action.WAIT and step.name in done:
            raise VerificationFailed(
                f"{step.name} was done, and is still to do: {step.why}.",
                "AWS does not show what the step changed.",
                f"Run: ./invoke status --stack {context.config.stack}",
            )
        number = len(summary.done) + 1
        where = f"{step.name}, step {number} of {len(summary.done) + len(plan.steps)}"
        with _told(context, f"before {where}"):
            context.safe_point()
        try:
            with _told(context, f"in {where}"):
                summary.done.append(_do(context, world, step, recorded, number, len(plan.steps)))
            done.add(step.name)
        except EngineLost as error:
            # The world says what was done and what is left, so it is planned anew; once a step.
            if step.name in lost:
                raise
            lost.add(step.name)
            # What it left half-done may need a step again that was done before.
            done.clear()
            context.observer.noted(f"{error.what} {error.why} Planning anew.")


@contextmanager
def _told(context: Context, where: str) -> Iterator[None]:
    """Says of a run that was stopped where it was."""
    try:
        yield
    except Interrupted:
        raise Interrupted(
            f"Stopped {where}.",
            "What is done is recorded; what AWS is still doing, it goes on with.",
            f"To go on, run: ./invoke migrate --stack {context.config.stack}",
        ) from None


def _do(context: Context, world: World, step: Step, recorded: Run, number: int, left: int) -> Done:
    began = time.monotonic()
    context.observer.started(step, number, number - 1 + left)
    with recorded.step(step.name) as facts:
        try:
            with translated_errors(context.config):
                facts.update(apply(context, world, step))
        except Exception:
            # What fails in a step that was being stopped, fails because of that.
            context.interrupts.check()
            raise
    seconds = time.monotonic() - began
    context.observer.ended(step, seconds, facts)
    context.notifier.flush()
    return Done(step, seconds, facts)
