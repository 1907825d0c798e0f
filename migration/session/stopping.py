"""Stopping a run from outside: Ctrl-C here, a pause from anywhere, a lease that was lost, a time that is over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schema.errors import Interrupted, OutOfTime
from stack.ledger.lease import Lease


def safe_point(interrupts: Interrupts, lease: Lease) -> None:
    """Where a run may stop: it is between two changes. Raises Interrupted, OutOfTime or LeaseLost."""
    interrupts.check()
    lease.check()


class Interrupts:
    """Ctrl-C (or a request to terminate): the first asks the run to stop at the next safe point, the second is told to
    `at_once`, which is to end the process. `say` is told what the first one means. A time that is over stops a run in
    the same way."""

    def __init__(self, say: Callable[[str], None], at_once: Callable[[], None]) -> None:
        self._say = say
        self._at_once = at_once
        self._time_is_over = False
        self.requested = threading.Event()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catches them while the block runs, where signals can be caught at all: in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def limited(self, seconds: float | None) -> Iterator[None]:
        """Asks the run to stop once that time is over, if the block has not ended by then. None: never."""
        if seconds is None:
            yield
            return
        timer = threading.Timer(seconds, self._on_time)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def check(self) -> None:
        """A safe point. Raises Interrupted once it was asked for, OutOfTime once the time is over."""
        if self.requested.is_set() and self._time_is_over:
            raise OutOfTime("The time is over.", "What is done is recorded.", "To go on, repeat the command.")
        if self.requested.is_set():
            raise Interrupted("Stopped, as asked.", "What is done is recorded.", "To go on, repeat the command.")

    def _on_signal(self, *_: object) -> None:
        if self.requested.is_set() and not self._time_is_over:
            self._at_once()
        self._time_is_over = False
        self.requested.set()
        self._say("Stopping at the next safe point. Once more stops at once.")

    def _on_time(self) -> None:
        if not self.requested.is_set():
            self._time_is_over = True
            self.requested.set()
            self._say("The time is over: stopping at the next safe point.")
