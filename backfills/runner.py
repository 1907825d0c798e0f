"""Running one backfill: whole passes until one finds nothing left to do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backfills.canary import Canary
from backfills.checkpoint import Checkpoint, Segment
from backfills.counts import Counts
from backfills.mender import Mended, Mender
from backfills.reader import Reader, side_by_side
from backfills.scan import Page, needing_work
from backfills.skew import Spread
from backfills.survey import spread_of
from backfills.target import Target
from backfills.transform import Transform
from dynamo.retry import Patience, Stopped
from dynamo.throttle import Throttle
from schema.errors import ToolError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAXIMUM_PASSES = 10
"""After so many passes that still changed something, old code is inserting items as fast as we mend them."""
SHRINKING = 0.5
"""A pass that finds more than this part of what the one before found is mending what writers add meanwhile."""
CHUNK = 250
"""Items after which progress is shown, and one record of the journal is written: ten requests."""

OnProgress = Callable[[Counts], None]


@dataclass(frozen=True)
class Result:
    """How a backfill ended: its counts, and how the new indexes' partition keys spread. `residual` is the items a
    second that writers still add without their attributes, 0 when the last pass found none."""

    counts: Counts
    spreads: list[Spread] = field(default_factory=list)
    residual: float = 0.0


class BackfillRun:
    """One backfill of one target. What it is made of is shared by its workers; `checkpoint` is open already."""

    def __init__(
        self,
        client: DynamoDBClient,
        target: Target,
        checkpoint: Checkpoint,
        mender: Mender,
        reader: Reader,
        patience: Patience,
        throttle: Throttle,
        stop: threading.Event,
        workers: int = 4,
        on_progress: OnProgress = lambda counts: None,
        unfit_file: Path | None = None,
    ) -> None:
        self._client = client
        self._target = target
        self._checkpoint = checkpoint
        self._mender = mender
        self._reader = reader
        self._patience = patience
        self._throttle = throttle
        self._stop = stop
        self._workers = workers
        self._on_progress = on_progress
        self._unfit_file = unfit_file
        self._transform = Transform(client, target, checkpoint.state.clock, patience)
        self._canary = Canary(client, target, mender, self._transform, patience)
        self._selection = needing_work(target)
        self._counts = deepcopy(checkpoint.state.totals)
        self._lock = threading.Lock()

    def run(self) -> Result:
        """Fills every item in scope; the counts' `remaining` is what the last pass still had to change.

        Raises VerificationFailed when the canary reads back wrong, Stopped when it was told to stop, ClientError when
        AWS refuses. Whoever runs it again goes on where it was.
        """
        before: int | None = None
        while True:
            interrupted = self._checkpoint.state.interrupted
            self._pass()
            remaining = self._counts.remaining
            if remaining == 0 and not interrupted:
                break
            if self._counts.passes >= MAXIMUM_PASSES:
                break
            if before is not None and remaining > before * SHRINKING and self._counts.passes > 2:
                break
            before = remaining
            self._patience.call(lambda: self._checkpoint.next_pass(self._counts))
        self._write_unfit()
        found = spread_of(self._target, self._reader, self._segments, self._checkpoint.state.clock)
        self._patience.call(lambda: self._checkpoint.finish(self._counts))
        residual = self._counts.remaining / max(self._counts.seconds, 0.001)
        return Result(self._counts, found, residual)

    @property
    def _segments(self) -> int:
        return self._checkpoint.state.segments

    def _pass(self) -> None:
        """Scans the whole table once, or what is left of it, and mends what it finds."""
        began = time.monotonic()
        self._counts.next_pass()
        side_by_side(self._segments, self._workers, self._stop, self._segment)
        self._counts.seconds = time.monotonic() - began

    def _segment(self, number: int) -> None:
        segment = self._patience.call(lambda: self._checkpoint.segment(number))
        self._show(segment.counts)
        while not segment.done:
            if self._stop.is_set():
                raise Stopped
            page = self._reader.page(self._selection, number, self._segments, segment.next)
            mended = self._mend(page)
            counts = deepcopy(segment.counts)
            counts.add(mended.counts)
            reached = replace(segment, pages=segment.pages + 1, next=page.next, done=page.next is None, counts=counts)
            self._record(number, reached, mended.unfit)
            segment = reached

    def _record(self, number: int, reached: Segment, unfit: dict[str, list[str]]) -> None:
        self._patience.call(lambda: self._checkpoint.reached(number, reached, unfit))

    def _mend(self, page: Page) -> Mended:
        looked_at = Counts(scanned=page.scanned, skipped=page.scanned - len(page.items))
        self._show(looked_at)
        whole = Mended(looked_at, {})
        left = self._canary.try_first(page.items)
        if len(left) < len(page.items):
            whole.counts.add(Counts(changed=1, remaining=1))
            self._show(Counts(changed=1, remaining=1))
        for start in range(0, len(left), CHUNK):
            if self._stop.is_set():
                raise Stopped
            part = self._mender.mend(left[start : start + CHUNK], self._transform.missing)
            self._show(part.counts)
            whole.counts.add(part.counts)
            whole.unfit.update(part.unfit)
        return whole

    def _show(self, counts: Counts) -> None:
        with self._lock:
            self._counts.add(counts)
            self._counts.rate = self._throttle.rate
            self._on_progress(self._counts)

    def _write_unfit(self) -> None:
        """Writes the reported keys to the file, a JSON line each: for this user only, since keys may be personal."""
        if self._unfit_file is None or not self._counts.unfit:
            return
        try:
            self._unfit_file.parent.mkdir(parents=True, exist_ok=True)
            self._unfit_file.touch(mode=0o600)
            with self._unfit_file.open("w", encoding="utf-8") as file:
                file.writelines(
                    json.dumps({"key": json.loads(key), "reasons": reasons}, ensure_ascii=False) + "\n"
                    for key, reasons in self._checkpoint.unfit()
                )
        except OSError as error:
            raise ToolError(
                f"The report of the {self._counts.unfit} items that stay out of the index can not be written.",
                f"{self._unfit_file}: {error.strerror}. The others are filled; the backfill does not count as done.",
                "Make room there, then repeat: it goes on where it was.",
            ) from error
