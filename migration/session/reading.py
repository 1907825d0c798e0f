"""Reading a live table with the stack's settings, and what stops long work on one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from botocore.exceptions import BotoCoreError, ClientError

from backfills.rates import read_rate
from dynamo.reader import Reader
from dynamo.retry import Stopped
from migration.session.context import Context
from migration.session.waiting import paused, refuse_if_paused
from schema.errors import ToolError
from stack.ledger.records import Pause
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveTable

PAUSE_SECONDS = 1.0
"""How often long work asks the ledger for a pause."""
METRIC_SECONDS = 30.0
"""How often CloudWatch is asked for throttled writes."""


def reader_of(context: Context, live: LiveTable, *, pausable: bool = True) -> Reader:
    """Reads the table at the rate that backfills of it may use, and stops at the run's safe points; if it is
    `pausable`, at a pause too. What only reads is not refused on a paused stack."""
    physical = context.config.physical_name(live.name)
    asked = time.monotonic()

    def safe_point() -> None:
        nonlocal asked
        context.safe_point()
        if pausable and time.monotonic() - asked >= PAUSE_SECONDS:
            asked = time.monotonic()
            refuse_if_paused(context)

    rate = read_rate(live, context.config.settings.backfill, Metrics(context.cloudwatch, physical))
    return Reader.paced(context.once, physical, rate, safe_point, size=live.size, item_count=live.item_count)


@contextmanager
def stoppable(
    context: Context,
    stop: threading.Event,
    throttles: Callable[[], float] = lambda: 0.0,
    on_throttles: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Sets `stop` on Ctrl-C or a pause while the block runs, and raises Interrupted or Waiting for Stopped.
    `on_throttles` is called while what `throttles` says grows."""
    signals = StopSignals(stop, context.interrupts.requested.is_set, context.ledger.paused, throttles)
    try:
        with signals.listening(on_throttles):
            yield
    except Stopped:
        if signals.pause is not None:
            raise paused(context, signals.pause) from None
        context.interrupts.check()
        raise


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
