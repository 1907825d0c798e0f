"""Sending requests at their times, whether or not earlier ones were answered, and measuring from those times on.

Workers share one schedule. A worker takes the next request, waits until it is due, and sends it. While all of them wait
for answers requests are sent late; that delay is part of their time, and is told besides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from dynamo.errors import error_code
from dynamo.reader import side_by_side
from loadtest.measuring import Measurement, cause_of
from stack.aws import DENIED, says_that_credentials_ended

MOST_WORKERS = 32
"""Requests that are on their way at one time: the connections that a client keeps."""
NAP_SECONDS = 0.2
"""How long a worker sleeps at most before it looks whether the test was stopped."""


@dataclass(frozen=True)
class Request:
    """One request: its kind, and the sending of it, which raises ClientError or BotoCoreError."""

    kind: str
    send: Callable[[], object]


@dataclass(frozen=True)
class Time:
    """The time in seconds, and how to let it pass."""

    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep


def drive(
    arrivals: Iterator[float],
    take: Callable[[], Request],
    measurement: Measurement,
    safe_point: Callable[[], None],
    workers: int = MOST_WORKERS,
    clock: Time | None = None,
) -> None:
    """Sends a request at each of these times (seconds from now), and returns once all are answered.

    `take` makes the next one, and `safe_point` is called before it; both by one worker at a time. What they raise ends
    the test, and so does AWS denying a request.
    """
    Driver(arrivals, take, measurement, safe_point, clock or Time()).run(workers)


class Driver:
    """The state that the workers share."""

    def __init__(
        self,
        arrivals: Iterator[float],
        take: Callable[[], Request],
        measurement: Measurement,
        safe_point: Callable[[], None],
        clock: Time,
    ) -> None:
        self._arrivals = arrivals
        self._take = take
        self._measurement = measurement
        self._safe_point = safe_point
        self._clock = clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._start = clock.now()

    def run(self, workers: int) -> None:
        """Raises what the first worker that failed has raised."""
        self._start = self._clock.now()
        side_by_side(workers, workers, self._stop, self._work)

    def _work(self, _worker: int) -> None:
        while (due := self._next()) is not None:
            at, request = due
            if self._wait(at):
                self._send(at, request)

    def _next(self) -> tuple[float, Request] | None:
        with self._lock:
            if self._stop.is_set():
                return None
            self._safe_point()
            at = next(self._arrivals, None)
            return None if at is None else (at, self._take())

    def _wait(self, at: float) -> bool:
        """Waits until the request is due. Returns whether it is still to be sent."""
        while (left := self._start + at - self._clock.now()) > 0:
            if self._stop.is_set():
                return False
            self._safe_point()
            self._clock.sleep(min(left, NAP_SECONDS))
        return True

    def _send(self, at: float, request: Request) -> None:
        sent, cause = self._since(), ""
        try:
            request.send()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and _is_final(error):
                raise
            cause = cause_of(error)
        self._measurement.add(request.kind, at, sent, self._since(), cause)

    def _since(self) -> float:
        return self._clock.now() - self._start


def _is_final(error: ClientError) -> bool:
    """Whether every other request would fail, too."""
    code = error_code(error)
    return code in DENIED or says_that_credentials_ended(code)
