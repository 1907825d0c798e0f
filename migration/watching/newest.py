"""The newest change of a stack, as its history tells, and the command that takes back what most likely is at fault."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from schema.references import IndexRef, Subject, table_of
from stack.ledger.history import Event, History

CHANGING = ("migrate", "backfill", "mending of ", "rollback of ")
"""What the commands of those runs begin with that may change tables or items, as the history names them."""
MOST_EVENTS = 20_000
"""Events of the history that are looked through: scans for late writers may stand before the newest change, a hundred a
day. So many are about ten megabytes."""
MOST_RUNS = 20
"""Runs whose steps are looked through for one that fits."""


def newest_change(history: History) -> Event | None:
    """The newest run that may have changed something, or None. Raises ToolError."""
    return next(_changes(history), None)


def rollback_command(history: History, subject: Subject | None) -> str:
    """The task, with its flags, that takes back the newest change of `subject`, else of its table, else of any; or
    `status`, where the newest run is a rollback itself, or nothing was changed. Raises ToolError."""
    steps: list[str] = []
    for event in islice(_changes(history), MOST_RUNS):
        if event.what.startswith("rollback of "):
            break
        steps += [step.name for step in reversed(history.steps(event.id))]
    return advised(steps, subject)


def advised(steps: list[str], subject: Subject | None) -> str:
    """Of steps by their names, newest first. Pure."""
    found = [(command, of) for step in steps for command, of in _command(step)]
    same = (command for command, of in found if isinstance(subject, IndexRef) and subject in of)
    near = (command for command, of in found if subject is not None and table_of(subject) in map(table_of, of))
    return next(same, None) or next(near, None) or (found[0][0] if found else "status")


def _command(step: str) -> Iterator[tuple[str, tuple[Subject, ...]]]:
    """The rollback of a step, and what that is about."""
    action, _, named = step.partition(" ")
    if action in {"create-index", "remove-index"}:
        ref = IndexRef.parse(named)
        yield f"rollback --table {ref.table} --index {ref.index}", (ref,)
    elif action == "backfill":
        yield f"rollback --backfill {named}", (named,)
    elif action == "create-tables":
        yield "rollback --new-tables", tuple(named.split(", "))


def _changes(history: History) -> Iterator[Event]:
    for event in islice(history.events(), MOST_EVENTS):
        if event.result and event.what.startswith(CHANGING):
            yield event
