"""How long requests took, what went wrong with the others, and the verdict. Times are kept in HDR histograms."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError
from hdrh.histogram import HdrHistogram

from dynamo.errors import THROTTLED, error_code
from stack.gates.claims import Claim

LONGEST_MICROSECONDS = 600_000_000
"""Ten minutes: what took longer is kept as that."""
DIGITS = 3
"""Significant digits that a histogram keeps: what it says is at most 0.1 % too high."""
LEAST_OF_RATE = 0.95
"""The part of the rate that was asked for with which a test counts as one at that rate."""
MOST_CAUSES = 20
"""Different causes of errors that are kept of one kind of request; the rest are counted together."""
OTHERS = "other causes"
MOST_NAMED = 3
"""Slow kinds of request that the verdict names; the table shows all."""


class Latencies:
    """A histogram of times; given and told in seconds and milliseconds."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST_MICROSECONDS, DIGITS)

    def add(self, seconds: float) -> None:
        """One more."""
        self._histogram.record_value(min(max(1, round(seconds * 1e6)), LONGEST_MICROSECONDS))

    def percentile(self, percent: float) -> float:
        """The milliseconds within which so many per cent of the requests were answered; 0 where there are none."""
        return _milliseconds(self._histogram.get_value_at_percentile(percent))

    @property
    def longest(self) -> float:
        """The milliseconds of the slowest one."""
        return _milliseconds(self._histogram.get_max_value())

    @property
    def count(self) -> int:
        return int(self._histogram.get_total_count())


@dataclass(frozen=True)
class Figures:
    """One kind of request, or all: how many were sent, how many of them failed and why, and percentiles in milliseconds
    of those that were answered."""

    requests: int
    errors: Mapping[str, int]
    p50: float
    p95: float
    p99: float
    p999: float
    longest: float

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    @property
    def percentiles(self) -> dict[str, float]:
        """By their names."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99, "p99.9": self.p999, "max": self.longest}


@dataclass
class _Kind:
    latencies: Latencies = field(default_factory=Latencies)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, seconds: float, cause: str) -> None:
        if not cause:
            self.latencies.add(seconds)
        elif cause in self.errors or len(self.errors) < MOST_CAUSES:
            self.errors[cause] += 1
        else:
            self.errors[OTHERS] += 1

    @property
    def figures(self) -> Figures:
        times = self.latencies
        p50, p95, p99, p999 = map(times.percentile, (50, 95, 99, 99.9))
        requests = times.count + self.errors.total()
        return Figures(requests, dict(self.errors.most_common()), p50, p95, p99, p999, times.longest)


class Measurement:
    """What was measured, by kind of request. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}
        self._all = _Kind()
        self._late = Latencies()
        self._last_sent = 0.0

    def add(self, kind: str, began: float, sent: float, ended: float, cause: str = "") -> None:
        """One request: when it should have begun, when it was sent and answered, in seconds from the start; `cause` is
        why it failed (empty: it did not)."""
        with self._lock:
            self._kinds.setdefault(kind, _Kind()).add(ended - began, cause)
            self._all.add(ended - began, cause)
            self._late.add(sent - began)
            self._last_sent = max(self._last_sent, sent)

    @property
    def kinds(self) -> dict[str, Figures]:
        """Each kind of request, by its name."""
        with self._lock:
            return {name: kind.figures for name, kind in sorted(self._kinds.items())}

    @property
    def all(self) -> Figures:
        with self._lock:
            return self._all.figures

    @property
    def late(self) -> float:
        """The milliseconds within which 99 of 100 requests were sent after they should have been."""
        with self._lock:
            return self._late.percentile(99)

    @property
    def last_sent(self) -> float:
        """When the last request was sent, in seconds from the start."""
        with self._lock:
            return self._last_sent


def cause_of(error: ClientError | BotoCoreError) -> str:
    """Why a request failed: AWS's code, and for a throttled one what throttled it and where, as the answer tells."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    code = error_code(error)
    if code not in THROTTLED:
        return code
    reasons = error.response.get("ThrottlingReasons") or error.response.get("throttlingReasons") or []
    told = sorted({f"{each.get('reason')} of {_short(each.get('resource'))}" for each in _maps(reasons)})
    return f"throttled: {', '.join(told)}" if told else f"throttled: {code}"


def judged(
    kinds: Mapping[str, Figures], everything: Figures, due: float, reached: float, late: float, limit: float
) -> list[Claim]:
    """What must hold for a load test to be passed: so many requests a second were `due`, and sent (`reached`), 99 of
    100 of them within `late` milliseconds of their time; `limit` is in milliseconds. Pure."""
    slow = sorted((-each.p99, name) for name, each in kinds.items() if each.p99 > limit)
    slowest = max(kinds.items(), key=lambda one: one[1].p99, default=None)
    seen = f"the slowest is {slowest[0]!r}: {slowest[1].p99:,.1f} ms" if slowest else "nothing was sent"
    named = [f"{name!r}: {-p99:,.1f} ms" for p99, name in slow[:MOST_NAMED]]
    more = [f"{len(slow) - MOST_NAMED} more"] if len(slow) > MOST_NAMED else []
    evidence = "; ".join([*named, *more]) or seen
    causes = ", ".join(f"{count:,} × {cause}" for cause, count in everything.errors.items())
    rate = f"{reached:,.1f} of {due:,.1f} requests a second; 99 of 100 were sent within {late:,.1f} ms of their time"
    answered = everything.requests > everything.failed
    return [
        Claim(
            f"p99 of every kind of request is at most {limit:.0f} ms", bool(kinds) and answered and not slow, evidence
        ),
        Claim("no request failed", not everything.failed, causes or f"{everything.requests:,} requests, none failed"),
        Claim("the rate was reached", answered and reached >= LEAST_OF_RATE * due, rate),
    ]


def covered(kinds: Iterable[str], sent: Collection[str], left_out: Mapping[str, str]) -> Claim:
    """Whether each of these kinds was `sent`, and no access pattern `left_out`, by why. Pure."""
    names = list(kinds)
    missing = {name: "none was sent" for name in names if name not in sent} | dict(left_out)
    named = [f"{name!r}: {why}" for name, why in sorted(missing.items())]
    evidence = "; ".join(named) or f"{len(names)} kinds"
    return Claim("every kind of request was sent", bool(names) and not missing, evidence)


def _milliseconds(microseconds: int) -> float:
    return round(microseconds / 1000, 3)


def _maps(reasons: object) -> Iterable[Mapping[str, object]]:
    return [each for each in reasons if isinstance(each, Mapping)] if isinstance(reasons, list) else []


def _short(resource: object) -> str:
    """The table, or the table and the index, of an ARN."""
    return str(resource).partition(":table/")[2].replace("/index/", "/") or str(resource)
