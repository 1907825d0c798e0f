"""Reading a live table with the stack's settings, and what stops long work on one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backfills.rates import read_rate
from backfills.run.stop_signals import StopSignals
from dynamo.reader import Reader
from dynamo.retry import Stopped
from migration.session.context import Context
from migration.session.waiting import paused, refuse_if_paused
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveTable

PAUSE_SECONDS = 1.0
"""How often a long read asks the ledger for a pause."""


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
