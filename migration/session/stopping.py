"""Stopping a run from outside: Ctrl-C here, a pause from anywhere, a lease that was lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schema.errors import Interrupted
from stack.ledger.lease import Lease


def safe_point(interrupts: Interrupts, lease: Lease) -> None:
    """Where a run may stop: it is between two changes. Raises Interrupted or LeaseLost."""
    interrupts.check()
    lease.check()


class Interrupts:
    """Ctrl-C (or a request to terminate): the first asks the run to stop at the next safe point, the second is told to
    `at_once`, which is to end the process. `say` is told what the first one means, and `pass_on` passes it on to what
    this process has started."""

    def __init__(self, say: Callable[[str], None], at_once: Callable[[], None]) -> None:
        self.pass_on: Callable[[], None] = lambda: None
        self._say = say
        self._at_once = at_once
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

    def check(self) -> None:
        """A safe point. Raises Interrupted once it was asked for."""
        if self.requested.is_set():
            raise Interrupted("Stopped, as asked.", "What is done is recorded.", "To go on, repeat the command.")

    def _on_signal(self, *_: object) -> None:
        if self.requested.is_set():
            self._at_once()
        self.requested.set()
        self.pass_on()
        self._say("Stopping at the next safe point. Once more stops at once.")
