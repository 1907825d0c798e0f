"""The verdict on a change, its reasons, and the commands that go on with it and take it back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migration.change.attested import waiting_for
from migration.change.document import Change, Commands, Verdict
from migration.plan.result import Blocked, Plan
from migration.steps.indexes.brown_out import BrownOut
from migration.steps.indexes.create_index import CreateIndex
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.items.backfill import BackfillTable
from migration.steps.step import Step
from migration.steps.tables.create_tables import CreateTables
from schema.errors import Waiting
from stack.ledger.ledger import Facts


def judged(
    change: Change, blocked: Iterable[Blocked] = (), paused: Facts | None = None, *, attests: bool = False
) -> Change:
    """The change with its verdict: what is `blocked` once `migrate` has done its steps is waited for, and so is a stack
    that somebody has `paused`. With `attests` the change needs the attestation of another stack first: a new schema
    cannot have one before it is merged, so that this is waited for, too."""
    if change.error is not None:
        verdict: Verdict = "waiting" if change.error.code == Waiting.exit_code else "refused"
        return change.model_copy(update={"verdict": verdict, "reasons": (change.error.what,)})
    reasons = (*_paused(paused), *(waiting_for(change.attestation) if attests else ()), *_waits(blocked))
    if reasons:
        return change.model_copy(update={"verdict": "waiting", "reasons": reasons})
    return change.model_copy(update={"verdict": "safe", "reasons": tuple(_safe(change))})


def needs_attestation(plan: Plan, changes: Iterable[object]) -> bool:
    """Whether a run, or a plain `up`, would change the stack. One that only looks needs nobody's attestation."""
    return any(not step.ONLY_LOOKS for step in plan.steps) or any(True for _ in changes)


def commands(stack: str, plan: Plan, first: Iterable[str] = ()) -> Commands:
    """What goes on with the plan, and what takes back what it does, the last first. The lines of `first` are to be run
    before, on other stacks."""
    on = ["./invoke migrate"] if plan.steps else []
    on += [claim.next or "./invoke gate" for one in plan.blocked for claim in one.shut]
    back = [f"./invoke rollback {flags}" for step in reversed(plan.steps) for flags in _flags(step)]
    return Commands(
        on=(*first, *(f"{line} --stack {stack}" for line in dict.fromkeys(on))),
        back=tuple(f"{line} --stack {stack}" for line in dict.fromkeys(back)),
    )


def _paused(paused: Facts | None) -> Iterator[str]:
    if paused is not None:
        yield f"The stack is paused by {paused['by']} since {paused['at']}."


def _waits(blocked: Iterable[Blocked]) -> Iterator[str]:
    for one in blocked:
        what = "is built, and not read-ready yet" if one.is_new else "cannot be removed yet"
        yield f"{one.ref} {what}. Missing: {', '.join(claim.name for claim in one.shut)}."


def _safe(change: Change) -> Iterator[str]:
    lost = [one.resource for one in change.changes if one.loses]
    gone = {gate.index for gate in change.gates if gate.approved}
    if not change.steps and not change.changes:
        yield "The stack is as the schema says."
    elif not lost:
        yield "Nothing is deleted or replaced."
    elif any(resource in gone for resource in lost):
        yield "Only what was approved is deleted, once its gate is open."
    else:
        yield "No table and no index is deleted or replaced."


def _flags(step: Step) -> Iterator[str]:
    """The flags of `rollback` that take the step back."""
    if isinstance(step, CreateIndex | RemoveIndex):
        yield f"--table {step.table.name} --index {step.index.name}"
    elif isinstance(step, BackfillTable):
        yield f"--backfill {step.table.name}"
    elif isinstance(step, CreateTables):
        yield "--new-tables"
    elif isinstance(step, BrownOut):
        yield "--brown-out"
