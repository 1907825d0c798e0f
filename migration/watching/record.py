"""How long a stack was watched since its newest change: one record of the ledger, so that a watch goes on after a kill.

Record: PK `WATCH`  SK `stack`
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stack.ledger.codec import Record, attributes, decoded
from stack.ledger.ledger import Ledger
from stack.ledger.records import STACK

PARTITION = "WATCH"
GAP = timedelta(minutes=3)
"""Two looks that are further apart leave a gap that nobody has watched: three times the usual minute."""


@dataclass(frozen=True, kw_only=True)
class Watched(Record):
    """The stack was watched for so many `seconds` since the run `change` (its id), from
    `began` on; `looked` is the newest look. `ended_by` is what was found wrong; empty: nothing so far."""

    change: str
    began: datetime
    looked: datetime
    seconds: float = 0.0
    ended_by: str = ""

    def after(self, now: datetime, counts: bool) -> Watched:
        """With another look. The time since the one before counts if that was not long ago, and if it `counts`: nobody
        changed the stack, and everything could be read."""
        passed = now - self.looked
        covered = passed.total_seconds() if counts and passed <= GAP else 0.0
        return replace(self, looked=max(now, self.looked), seconds=self.seconds + max(0.0, covered))


def goes_on(found: Watched | None, change: str, now: datetime) -> Watched:
    """What a watch begins with: where another one of the same change has ended without a find, else at nothing."""
    if found is None or found.change != change or found.ended_by:
        return Watched(change=change, began=now, looked=now)
    return found


def read(ledger: Ledger) -> Watched | None:
    """The record, or None. Raises ToolError."""
    item = ledger.get(PARTITION, STACK)
    return decoded(Watched, item) if item is not None else None


def write(ledger: Ledger, watched: Watched) -> None:
    """Replaces the record. Raises ToolError."""
    ledger.put(PARTITION, STACK, attributes(watched))
