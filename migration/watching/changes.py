"""What is new since the look before, in words; and what of it ends a watch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schema.references import Subject
from stack.ledger.codec import written
from stack.monitoring.observing import (
    LATENCY,
    LATENCY_LIMIT_MS,
    READS,
    SYSTEM_ERRORS,
    USER_ERRORS,
    WRITES,
    Observed,
    Series,
)
from stack.world.world import ALARM, MISSING, OK, AlarmState

LATE = timedelta(minutes=3)
"""How late CloudWatch may tell of a minute: each look reads so far back, and a watch ends so much later."""


@dataclass(frozen=True)
class Found:
    """Something new: a line of `text`, about which `subject` (None: the account), and whether it `ends` the watch."""

    text: str
    subject: Subject | None = None
    ends: bool = False


@dataclass
class Known:
    """What a watch has told so far: alarms by their states, counts by series and minute, and what is slow."""

    alarms: dict[str, str] = field(default_factory=dict)
    counts: dict[tuple[Series, datetime], float] = field(default_factory=dict)
    slow: set[Series] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    def of_alarms(self, states: Iterable[AlarmState]) -> list[Found]:
        """Alarms whose state is another one; of those that are new, the ones that are not OK. One that fires or is
        missing ends the watch."""
        found = []
        for alarm in states:
            before = self.alarms.get(alarm.name, OK)
            self.alarms[alarm.name] = alarm.state
            if alarm.state == before:
                continue
            said = {ALARM: "fires", MISSING: "is missing", OK: "is OK"}.get(alarm.state, "has no data yet")
            text = f"alarm {alarm.name} {said}"
            found.append(Found(text, alarm.subject, alarm.state in {ALARM, MISSING}))
        return found

    def more(self, observed: Observed, since: datetime) -> dict[Series, float]:
        """How many more there are of what is counted, in minutes from `since` on. A minute may grow after it was
        read."""
        grown: dict[Series, float] = {}
        for series, values in observed.values.items():
            if series.what == LATENCY:
                continue
            for minute, count in values.items():
                if minute >= since and (new := count - self.counts.get((series, minute), 0.0)) > 0:
                    self.counts[series, minute] = count
                    grown[series] = grown.get(series, 0.0) + new
        return grown

    def of_latency(self, observed: Observed) -> Iterator[Found]:
        """Operations that have become slower than the limit, by their newest minute, or fast again."""
        for series, values in observed.values.items():
            if series.what != LATENCY or not values:
                continue
            minute = max(values)
            mean, where = values[minute], f"{series.operation} of {series.subject}"
            at = f"{mean:,.0f} ms on average at {written(minute)}"
            if mean > LATENCY_LIMIT_MS and series not in self.slow:
                self.slow.add(series)
                yield Found(f"{where}: {at}, above {LATENCY_LIMIT_MS:.0f} ms", series.subject)
            elif mean <= LATENCY_LIMIT_MS and series in self.slow:
                self.slow.remove(series)
                yield Found(f"{where}: {at}, below {LATENCY_LIMIT_MS:.0f} ms again", series.subject)

    def of_reading(self, unread: Iterable[str]) -> list[Found]:
        """What cannot be read, and could before; and that it can be read again."""
        now = set(unread)
        lost, back = sorted(now - self.unread), bool(self.unread and not now)
        self.unread = now
        found = [Found(f"not known: {what}; this time does not count") for what in lost]
        return [*found, Found("everything can be read again")] if back else found

    def forget(self, now: datetime) -> None:
        """Forgets minutes that are read no more."""
        oldest = now - 3 * LATE
        self.counts = {key: count for key, count in self.counts.items() if key[1] >= oldest}


def of_counts(grown: Mapping[Series, float], causes: Mapping[Series, Mapping[str, float]]) -> Iterator[Found]:
    """What was counted more of, by what it was and where. A system error ends the watch; throttles and refused requests
    do so by their alarms only: clients repeat some, and any client of the account may send wrong requests."""
    errors: dict[Subject | None, float] = {}
    for series, count in grown.items():
        if series.what in {READS, WRITES}:
            why = ", ".join(f"{some:,.0f} by {cause}" for cause, some in causes.get(series, {}).items() if some)
            yield Found(f"{series.subject}: {count:,.0f} {series.what}{f' ({why})' if why else ''}", series.subject)
        elif series.what == USER_ERRORS:
            yield Found(f"the account: {count:,.0f} requests were refused (user errors)")
        elif series.what == SYSTEM_ERRORS:
            errors[series.subject] = errors.get(series.subject, 0.0) + count
    for subject, count in errors.items():
        yield Found(f"{subject}: {count:,.0f} system errors", subject, ends=True)
