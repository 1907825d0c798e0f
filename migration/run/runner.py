"""The run: plan, do the first step, read the world again, plan again; until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from migration.plan.findings import Finding
from migration.plan.plan import plan
from migration.plan.result import Blocked, Plan
from migration.run.prediction import check_prediction
from migration.session.brown_out import take_back_all
from migration.session.context import Context
from migration.session.exclusive import exclusive
from migration.session.waiting import refuse_if_paused
from migration.steps.stack.wait import Wait
from migration.steps.step import Step
from schema.clock import at_present
from schema.errors import EngineLost, Interrupted, OutOfTime, Refused, StillBuilding, ToolError, VerificationFailed
from stack.aws import translated_errors
from stack.ledger.history import DONE, ROLLED_BACK, WAITING, Run
from stack.ledger.intents import clear
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, AttestationProof, OwnerProof, VerifiedProof
from stack.promotion.requiring import Required, record, required
from stack.world.world import World

Narrowing = Callable[[Plan], Plan]
"""Leaves of a plan what a run is to do."""


@dataclass(frozen=True)
class Undertaking:
    """What a run does: `plan` says what is left, from the world and the names of the steps that are done. `command` is
    its name in the history; `result` what stands there once it is done; `again` the advice when it fails, where
    `migrate` would do the wrong thing; `told` whether the team is told. `attestation` is the file of another stack's
    attestation, where that is how it comes."""

    command: str
    plan: Callable[[World, Collection[str]], Plan]
    result: str = DONE
    again: str = ""
    told: bool = True
    attestation: Path | None = None

    @property
    def takes_back(self) -> bool:
        """Whether it is a rollback, which needs nobody's attestation."""
        return self.result == ROLLED_BACK


@dataclass(frozen=True)
class FinishedStep:
    """One finished step: how long it took (seconds) and what was noted of it."""

    step: Step
    seconds: float
    facts: Facts


@dataclass
class Summary:
    """What a run did. `run` is its id in the history, None when there was nothing to do."""

    run: str | None = None
    done: list[FinishedStep] = field(default_factory=list)
    blocked: tuple[Blocked, ...] = ()
    left_alone: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    ups: int = 0
    seconds: float = 0.0
    narrowed_to: str | None = None


def plan_of(context: Context, world: World, tried: Collection[str] = ()) -> Plan:
    """What is left to do on the way to the schema. Raises Refused."""
    context.refuse_others_tables(world.proofs)
    # Where nothing is left to do, nobody needs to know what is attached to the tables. A refusal is told with it.
    with suppress(Refused):
        found = plan(context.schema, context.config.settings, world, tried)
        if not found.steps:
            return found
    return plan(context.schema, context.config.settings, context.surrounded(world), tried)


def migrate(
    context: Context, table: str | None = None, index: str | None = None, attestation: Path | None = None
) -> Summary:
    """Takes the stack to the schema, or as far as shut gates allow. Raises ToolError."""
    summary = narrowed_run(context, lambda found: found.narrowed(table, index), "migrate", attestation=attestation)
    summary.narrowed_to = table
    return summary


def narrowed_run(
    context: Context, narrowing: Narrowing, command: str, *, told: bool = True, attestation: Path | None = None
) -> Summary:
    """Does what `narrowing` leaves of the plan. Raises ToolError."""

    def left(world: World, tried: Collection[str]) -> Plan:
        return narrowing(plan_of(context, world, tried))

    return run(context, Undertaking(command, left, told=told, attestation=attestation))


def run(context: Context, undertaking: Undertaking) -> Summary:
    """Does what the undertaking's plan says, a step at a time. Raises ToolError.

    Nothing to do takes no lease, writes nothing and runs no `up`. The next run goes on from what AWS, Pulumi's state
    and the ledger then say.
    """
    began = time.monotonic()
    with translated_errors(context.config):
        context.ledger.lease.refuse_if_held()
        world = context.read_world()
        context.ledger.refuse_older_code(world.proofs)
        left = undertaking.plan(world, ())
        summary = Summary()
        changes = any(not step.ONLY_LOOKS for step in left.steps)
        # Also before a look: what it shows may lead to a change in the same run, and a late-writer scan fills items.
        asks = bool(left.steps) and not undertaking.takes_back
        promoted = _promoted(context, world, undertaking.attestation) if asks else None
        if left.steps:
            with exclusive(context, undertaking.command, told=undertaking.told) as recorded:
                context.reporter.planned(left.steps)
                context.ledger.prove(OwnerProof(subject=STACK, stack=context.config.name))
                if promoted is not None:
                    record(context.ledger, promoted)
                if changes:
                    _no_longer_verified(context)
                if undertaking.takes_back:
                    # What is taken back is not to be brought to another stack.
                    context.ledger.disprove(AttestationProof, STACK)
                summary.run = recorded.id
                recorded.result = undertaking.result
                left = _run(context, summary, recorded, undertaking)
    summary.blocked, summary.left_alone, summary.findings = left.blocked, left.left_alone, left.findings
    summary.ups = context.engine.ups
    summary.seconds = time.monotonic() - began
    return summary


def attested(context: Context, world: World, file: Path | None = None) -> Required | None:
    """What another stack has attested of this code, where this stack promotes from one. Raises Waiting, Refused for an
    attestation that is missing or does not match."""
    found = required(context.config, context.schema, world.proofs, at_present(), file)
    if found is not None:
        found.refuse(context.config)
    return found


def _promoted(context: Context, world: World, file: Path | None) -> Required | None:
    """As `attested`. A brown-out that a killed run has left is ended also where this run may not go on."""
    try:
        return attested(context, world, file)
    except ToolError:
        for ref in take_back_all(context):
            context.reporter.noted(f"A run that was killed had refused reads of {ref}: they are allowed again.")
        raise


def _no_longer_verified(context: Context) -> None:
    """Whatever was verified before, this run is about to change it."""
    context.ledger.disprove(VerifiedProof, STACK)


def _run(context: Context, summary: Summary, recorded: Run, undertaking: Undertaking) -> Plan:
    lost: set[str] = set()
    done: set[str] = set()
    world = context.read_world()
    while True:
        left = undertaking.plan(world, done)
        if not left.steps:
            _conclude(context, recorded, left)
            return left
        step = left.steps[0]
        refuse_if_paused(context)
        if step.name in done and not isinstance(step, Wait):
            raise VerificationFailed(
                f"{step.name} was done, and is still to do: {step.why}.",
                "AWS does not show what the step changed.",
                context.command("status"),
            )
        number, total = len(summary.done) + 1, len(summary.done) + len(left.steps)
        where = f"{step.name}, step {number} of {total}"
        with _stopped(context, undertaking, f"before {where}"):
            context.safe_point()
        if not step.ONLY_LOOKS and world.proofs.get(VerifiedProof, STACK) is not None:
            _no_longer_verified(context)
        try:
            with _stopped(context, undertaking, f"in {where}"):
                summary.done.append(_do(context, world, step, recorded, number, total))
            done.add(step.name)
            before, world = world, context.read_world()
            check_prediction(step, before, world)
        except EngineLost as error:
            # The world says what was done and what is left, so it is planned anew; once a step.
            if step.name in lost or undertaking.again:
                raise _advised(error, undertaking) from error
            lost.add(step.name)
            # What it left half-done may need a step again that was done before.
            done.clear()
            context.reporter.noted(f"{error.what} {error.why} Planning anew.")
            world = context.read_world()
        except ToolError as error:
            raise _advised(error, undertaking) from error


def _conclude(context: Context, recorded: Run, left: Plan) -> None:
    if recorded.result == ROLLED_BACK:
        clear(context.ledger)
    if left.blocked:
        recorded.result = WAITING
        recorded.why = "; ".join(f"{blocked.ref}: {blocked.shut[0].evidence}" for blocked in left.blocked)
        task = "late-writers" if any(blocked.is_new for blocked in left.blocked) else "gate"
        recorded.next = f"./invoke {task} --stack {context.config.stack}"


def _advised(error: ToolError, undertaking: Undertaking) -> ToolError:
    """The engine's advice is meant for a migration, which would build again what a rollback removes."""
    if undertaking.again and type(error) in {ToolError, EngineLost}:
        return ToolError(error.what, error.why, undertaking.again)
    if undertaking.again and isinstance(error, StillBuilding):
        return StillBuilding(error.what, error.why, "Repeat the command: it goes on from what is there.")
    return error


@contextmanager
def _stopped(context: Context, undertaking: Undertaking, where: str) -> Iterator[None]:
    """Says of a run that was stopped where it was."""
    migrating = f"run: ./invoke migrate --stack {context.config.stack}"
    why = "What is done is recorded. AWS finishes what it has begun."
    next = f"To go on, {'repeat the command.' if undertaking.again else migrating}"
    try:
        yield
    except Interrupted:
        raise Interrupted(f"Stopped {where}.", why, next) from None
    except OutOfTime:
        raise OutOfTime(f"The time is over: stopped {where}.", why, next) from None


def _do(context: Context, world: World, step: Step, recorded: Run, number: int, total: int) -> FinishedStep:
    began = time.monotonic()
    context.reporter.started(step, number, total)
    with recorded.step(step.name) as facts:
        try:
            with translated_errors(context.config):
                noted = step.apply(context, world)
                facts.update({name: value for name, value in noted.items() if name not in step.NOT_RECORDED})
        except Exception:
            # What fails in a step that was being stopped, fails because of that.
            context.interrupts.check()
            raise
    seconds = time.monotonic() - began
    context.reporter.ended(step, seconds, facts)
    context.notifier.flush()
    return FinishedStep(step, seconds, noted)
