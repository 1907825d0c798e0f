"""An index while AWS builds it: how far it is, how long it will take, and whether it hurts the table."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from migration.session.context import Context
from migration.session.waiting import still_building
from schema.errors import EngineLost, ToolError
from schema.references import IndexRef
from stack.monitoring.metrics import Metrics
from stack.world.live import CREATING, LiveIndex, LiveTable, read_table

LOOK_SECONDS = 5.0
"""How often it is looked at; CloudWatch has something new once a minute."""
STOP_SECONDS = 0.5
"""How often it is looked at once the run is to stop: whoever stops a job kills it ten seconds later."""
THROTTLE_MINUTES = 3


@dataclass(frozen=True)
class Reading:
    """One reading of a build: its state in AWS, how much is done (0 to 100; None: CloudWatch does not say), the write
    units a second that it consumes, how often it was throttled in the last minute, and the table's throttled writes of
    the last minutes."""

    state: str
    percent: float | None = None
    write_units_a_second: float = 0.0
    throttles: float = 0.0
    table_throttles: float = 0.0

    def text(self, left: float | None) -> str:
        """The reading as a person reads it; `left` is seconds."""
        parts = [self.state]
        if self.percent is not None:
            parts.append(f"{self.percent:.0f} %")
        if self.write_units_a_second:
            parts.append(f"{self.write_units_a_second:,.1f} write units a second")
        if self.throttles:
            parts.append(f"throttled {self.throttles:,.0f} times a minute")
        if left is not None:
            parts.append(f"about {timedelta(seconds=round(left))} left")
        return ", ".join(parts)


def read_build(metrics: Metrics, found: LiveIndex) -> Reading:
    """What AWS says of an index that is being built. Raises ClientError."""
    state = f"{found.status}{' and backfilling' if found.backfilling else ''}"
    seen = metrics.of_build(found.index.name)
    return Reading(
        state,
        seen.get("OnlineIndexPercentageProgress"),
        seen.get("OnlineIndexConsumedWriteCapacity", 0.0) / 60,
        seen.get("OnlineIndexThrottleEvents", 0.0),
        metrics.write_throttles([], THROTTLE_MINUTES),
    )


class Build:
    """One build as it is shown: time left by its pace so far, and one warning when the table's writes are throttled."""

    def __init__(self, context: Context, ref: IndexRef) -> None:
        self._context = context
        self._ref = ref
        self._metrics = Metrics(context.cloudwatch, context.config.physical_name(ref.table))
        self._first: tuple[float, float] | None = None
        self._warned = False

    def show(self, live: LiveTable) -> None:
        """Shows how far the index is."""
        found = live.indexes.get(self._ref.index)
        if found is None:
            return
        reading = read_build(self._metrics, found)
        text = reading.text(self._left(reading.percent))
        self._context.reporter.progress(round(reading.percent or 0), 100, text, asdict(reading))
        if reading.table_throttles and not self._warned:
            self._warned = True
            self._context.reporter.noted(self._warning(live, found, reading))

    def _left(self, percent: float | None) -> float | None:
        if percent is None:
            return None
        now = time.monotonic()
        if self._first is None:
            self._first = (now, percent)
        began, from_percent = self._first
        done = percent - from_percent
        return (100 - percent) * (now - began) / done if done > 0 else None

    def _warning(self, live: LiveTable, found: LiveIndex, reading: Reading) -> str:
        ref, config = self._ref, self._context.config
        what = f"{reading.table_throttles:,.0f} writes to {ref.table} were throttled while {ref} is being built."
        units = found.index.throughput
        if units is None:
            return f"{what} The table is on demand: AWS gives it more by itself, within the account's limits."
        table = live.throughput.write if live.throughput else units.write
        more = max(2 * units.write, 2 * table)
        return (
            f"{what} The index has {units.write} write units; too few of them throttle the table. "
            f"Run: ./invoke capacity --table {ref.table} --index {ref.index} --write {more} --stack {config.stack}"
        )


@contextmanager
def building(context: Context, ref: IndexRef) -> Iterator[None]:
    """Shows the build while the block runs, which waits for AWS by itself: a `pulumi up`.

    Once AWS has begun, the `up` is ended where the run is to stop, or not to wait at all. Raises StillBuilding where
    the block fails while AWS is building: it goes on with that.
    """
    ended = threading.Event()
    build = Build(context, ref)

    def look() -> None:
        looked = time.monotonic()
        while not ended.wait(STOP_SECONDS):
            stops = context.no_wait or context.interrupts.requested.is_set()
            if not stops and time.monotonic() - looked < LOOK_SECONDS:
                continue
            looked = time.monotonic()
            # An unanswered question is no reason to stop: the next one follows.
            with suppress(ToolError, ClientError, BotoCoreError):
                live = read_table(context.client, context.config, ref.table)
                if live is not None:
                    build.show(live)
                    if stops and _is_building(live, ref):
                        # Again, should there be no `up` to end yet.
                        context.engine.let_go()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    except ToolError as error:
        live = read_table(context.client, context.config, ref.table)
        if live is not None and _is_building(live, ref) and type(error) in {ToolError, EngineLost}:
            context.interrupts.check()
            raise still_building(context, live, _why(context, error)) from error
        raise
    finally:
        ended.set()
        thread.join()


def _is_building(live: LiveTable, ref: IndexRef) -> bool:
    found = live.indexes.get(ref.index)
    return found is not None and found.status == CREATING


def _why(context: Context, error: ToolError) -> str:
    if context.no_wait:
        return "The run was told not to wait."
    return f"The `pulumi up` that began it ended before AWS was done: {error.why}"
