"""What CloudWatch says about the indexes that are to go, as it was read at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

OK, ALARM, MISSING = "OK", "ALARM", "missing"


@dataclass(frozen=True)
class AlarmState:
    """One of the stack's alarms: its `subject` (a table, an index resource, or None for the whole account) and its
    `state`: OK, ALARM, INSUFFICIENT_DATA, or MISSING for one that AWS lacks."""

    name: str
    subject: str | None
    state: str


@dataclass(frozen=True)
class Observed:
    """Readings, none where the stack has no CloudWatch (`available` is False).

    `reads` are the read units that each retired index consumed, by the minute in which they were (its start), over the
    stack's quiet window and at least the last hour. `disturbances` counts, by table and by what it was, what went wrong
    in the last hour.
    """

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    available: bool = False
    alarms: tuple[AlarmState, ...] = ()
    reads: Mapping[str, Mapping[datetime, float]] = field(default_factory=dict)
    disturbances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
