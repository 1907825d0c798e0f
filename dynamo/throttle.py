"""Keeps all workers together to a rate of capacity units a second, and slows down when a table throttles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dynamo.retry import Stopped

BURST_SECONDS = 0.5
"""How much unused rate may be made up for at once."""
SLOWER = 0.7
FASTER = 1.1
ADJUST_SECONDS = 1.0
"""How often at most the limit of one resource changes."""


class Throttle:
    """At most `rate` units a second over any minute, whoever asks.

    A request is let go once everything before it is paid; its own units delay the next one. So a window of T seconds
    holds at most rate × (T + BURST_SECONDS) units and one request more.

    A resource (a table or an index) that throttles gets a limit of its own, below the rate seen, which rises again
    while it is quiet. The lowest limit counts.
    """

    def __init__(
        self,
        rate: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._rate = rate
        self._stop = stop
        self._clock = clock
        self._wait = wait or stop.wait
        self._lock = threading.Lock()
        self._free = clock()
        self._limits: dict[str, tuple[float, float]] = {}
        self._spent = 0.0
        self._since = clock()
        self._seen = 0.0

    @property
    def rate(self) -> float:
        """The units a second that are allowed now."""
        with self._lock:
            return self._current(self._clock())

    def largest_request(self, units_each: float) -> int:
        """How many changes of `units_each` one request may hold: about a second's worth, at least one."""
        return max(1, int(self.rate / max(units_each, 1.0)))

    def acquire(self, units: float) -> None:
        """Waits until `units` may be used. Raises Stopped."""
        with self._lock:
            now = self._clock()
            start = max(self._free, now - BURST_SECONDS)
            self._free = start + units / self._current(now)
            self._count(now, units)
        while not self._stop.is_set():
            left = start - self._clock()
            if left <= 0:
                return
            self._wait(left)
        raise Stopped

    def reconcile(self, estimated: float, actual: float | None) -> None:
        """Corrects what was acquired by what the server says it was."""
        if actual is None:
            return
        with self._lock:
            self._free += (actual - estimated) / self._current(self._clock())

    def throttled(self, resource: str) -> None:
        """Slows down: `resource` could not take this rate."""
        with self._lock:
            now = self._clock()
            limit, changed = self._limits.get(resource, (self._rate, -ADJUST_SECONDS))
            if now - changed >= ADJUST_SECONDS:
                seen = self._seen if 0 < self._seen < limit else limit
                self._limits[resource] = (max(1.0, seen * SLOWER), now)

    def _current(self, now: float) -> float:
        for resource, (limit, changed) in list(self._limits.items()):
            quiet = max(0, int((now - changed) / ADJUST_SECONDS))
            risen = limit * FASTER ** min(quiet, 400)
            self._limits[resource] = (risen, changed + quiet * ADJUST_SECONDS)
            if risen >= self._rate:
                del self._limits[resource]
        return min([self._rate, *(limit for limit, _ in self._limits.values())])

    def _count(self, now: float, units: float) -> None:
        self._spent += units
        passed = now - self._since
        if passed >= ADJUST_SECONDS:
            self._seen, self._spent, self._since = self._spent / passed, 0.0, now
