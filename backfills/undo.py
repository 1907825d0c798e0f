"""Taking a backfill back: exactly what the journal says was added, where it is still as we wrote it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backfills.change import Change
from backfills.journal import Journal, narrowed
from backfills.mender import MAXIMUM_RACES, Mender
from backfills.writer import Status

CHUNK = 250
"""Changes after which progress is shown."""


@dataclass
class Undone:
    """Noted changes by what became of them: taken `back`; `kept`, because the application has changed the value or
    deleted the item since, or because the change was noted and never made."""

    back: int = 0
    kept: int = 0


def undo(journal: Journal, mender: Mender, on_progress: Callable[[Undone], None]) -> Undone:
    """Takes back what the journal notes, newest first, and forgets each record once it is done: so it can be killed and
    repeated. Raises ClientError or Stopped."""
    undone = Undone()
    for name, changes in journal.undoing():
        for start in range(0, len(changes), CHUNK):
            _take_back(changes[start : start + CHUNK], mender, undone)
            on_progress(undone)
        journal.forget(name)
    return undone


def _take_back(changes: list[Change], mender: Mender, undone: Undone) -> None:
    pending = changes
    for _ in range(MAXIMUM_RACES):
        answers = mender.send(pending, noting=False)
        again: list[Change] = []
        for change, answer in zip(pending, answers, strict=True):
            if answer.status is Status.DONE:
                undone.back += 1
                continue
            rest = narrowed(change, dict(answer.found)) if answer.found else None
            if rest is None:
                undone.kept += 1
            else:
                again.append(rest)
        if not again:
            return
        pending = again
    undone.kept += len(pending)
