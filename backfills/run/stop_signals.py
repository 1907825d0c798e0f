"""What stops a running backfill, or slows it down: Ctrl-C, a pause that somebody asks for, the table's throttling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from botocore.exceptions import BotoCoreError, ClientError

from schema.errors import ToolError
from stack.ledger.records import Pause

PAUSE_SECONDS = 1.0
"""How often the ledger is asked for a pause."""
METRIC_SECONDS = 30.0
"""How often CloudWatch is asked for throttled writes."""


class StopSignals:
    """Asks in the background, and sets `stop` once the run was interrupted or paused. `pause` is who asked for that."""

    def __init__(
        self,
        stop: threading.Event,
        interrupted: Callable[[], bool],
        paused: Callable[[], Pause | None],
        throttles: Callable[[], float],
    ) -> None:
        self._stop = stop
        self._interrupted = interrupted
        self._paused = paused
        self._throttles = throttles
        self._ended = threading.Event()
        self.pause: Pause | None = None

    @contextmanager
    def listening(self, on_throttles: Callable[[], None]) -> Iterator[None]:
        """Listens while the block runs; `on_throttles` is called while the table's throttled writes grow."""
        thread = threading.Thread(target=self._listen, args=(on_throttles,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _listen(self, on_throttles: Callable[[], None]) -> None:
        asked, before = time.monotonic(), 0.0
        while not self._ended.is_set() and not self._stop.is_set():
            if self._interrupted():
                self._stop.set()
                return
            # An unanswered question is no reason to stop: the next one follows.
            with suppress(ToolError, ClientError, BotoCoreError):
                self.pause = self._paused()
                if self.pause is not None:
                    self._stop.set()
                    return
                if time.monotonic() - asked >= METRIC_SECONDS:
                    asked = time.monotonic()
                    throttled = self._throttles()
                    if throttled > before:
                        on_throttles()
                    before = throttled
            self._ended.wait(PAUSE_SECONDS)
