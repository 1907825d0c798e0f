"""What CloudWatch says about the retired indexes and their tables, as it was read at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schema.references import IndexRef, Subject

OK, ALARM, MISSING = "OK", "ALARM", "missing"


@dataclass(frozen=True)
class AlarmState:
    """One of the stack's alarms: its `subject` (a table, an index, or None for the whole account) and its `state`: OK,
    ALARM, INSUFFICIENT_DATA, or MISSING for one that AWS lacks."""

    name: str
    subject: Subject | None
    state: str


@dataclass(frozen=True)
class Readings:
    """Readings of CloudWatch; none where the stack has no CloudWatch (`available` is False).

    `reads` are the read units that each retired index consumed, by the start of the minute, over the stack's quiet
    window and at least the last hour. `disturbances` counts, by table and by kind, what went wrong in the last hour.
    """

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    available: bool = False
    alarms: tuple[AlarmState, ...] = ()
    reads: Mapping[IndexRef, Mapping[datetime, float]] = field(default_factory=dict)
    disturbances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
