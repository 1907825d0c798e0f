"""Takes a backfill back: exactly what the journal says was added, where it is still as we wrote it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backfills.items.change import ItemChange
from backfills.items.writer import Status
from backfills.progress.journal import Journal
from backfills.run.mender import MAXIMUM_RACES, Mender

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


def _take_back(changes: list[ItemChange], mender: Mender, undone: Undone) -> None:
    pending = changes
    for _ in range(MAXIMUM_RACES):
        results = mender.send(pending, noting=False)
        again: list[ItemChange] = []
        for change, result in zip(pending, results, strict=True):
            if result.status is Status.DONE:
                undone.back += 1
                continue
            rest = change.narrowed(result.found) if result.found else None
            if rest is None:
                undone.kept += 1
            else:
                again.append(rest)
        if not again:
            return
        pending = again
    undone.kept += len(pending)
