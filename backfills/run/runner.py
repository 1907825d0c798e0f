"""Runs one backfill: a canary item, then whole passes until one finds nothing left to do."""

from __future__ import annotations

import json
import threading
import time
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from backfills.items.target import needing_work
from backfills.items.transform import Transform
from backfills.items.writer import Status
from backfills.progress.checkpoint import Checkpoint
from backfills.progress.records import Counts
from backfills.run.key_spread import KeySpread, key_spreads
from backfills.run.mender import Job, Mended
from dynamo.reader import Page
from dynamo.retry import Stopped
from schema.backfill import Item
from schema.errors import ToolError, VerificationFailed

MAXIMUM_PASSES = 10
"""After so many passes that still changed something, old code is inserting items as fast as we mend them."""
SHRINKING = 0.5
"""A pass that finds more than this part of what the one before found is mending what writers add meanwhile."""
CHUNK = 250
"""Items after which progress is shown, and one record of the journal is written: ten requests."""


class Canary:
    """The first write of a backfill: one item is written, read back and compared before any other is touched.

    Shared by all workers: the first that has an item to write tries it, and all others wait for that.
    """

    def __init__(self, job: Job, transform: Transform) -> None:
        self._job = job
        self._transform = transform
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failed = False

    def try_first(self, items: list[Item]) -> list[Item]:
        """Tries the first of the items that needs a write, if no item was tried before. Returns those that are left to
        write. Raises VerificationFailed, and Stopped to those who waited for that."""
        if self._over.is_set():
            return items
        with self._lock:
            if self._failed:
                raise Stopped
            if self._over.is_set():
                return items
            for number, item in enumerate(items):
                if self._is_written(item):
                    self._over.set()
                    return [*items[:number], *items[number + 1 :]]
        return items

    def _is_written(self, item: Item) -> bool:
        _, change = self._transform.missing(item)
        if change is None:
            return False
        (result,) = self._job.mender.send([change])
        if result.status is not Status.DONE:
            return False
        found = self._job.reader.item(change.key) or {}
        for attribute, value in change.sets.items():
            if found.get(attribute) != value:
                self._failed = True
                raise VerificationFailed(
                    f"The canary item of {self._job.target.table} read back wrong.",
                    f"{change.key}: {attribute} should be {value['S']!r}. The run stopped there.",
                    "Compare the rule of that attribute with the item.",
                )
        return True


@dataclass(frozen=True)
class Result:
    """How a backfill ended: its counts, and how the new indexes' partition keys spread. `residual` is the items a
    second that writers still add without their attributes, 0 when the last pass found none."""

    counts: Counts
    spreads: list[KeySpread] = field(default_factory=list)
    residual: float = 0.0


class BackfillRun:
    """One backfill. `checkpoint` is open already; the keys of violations are written to `violations_file`."""

    def __init__(self, job: Job, checkpoint: Checkpoint, violations_file: Path | None) -> None:
        self._job = job
        self._checkpoint = checkpoint
        self._violations_file = violations_file
        self._retry = job.reader.retry
        self._transform = Transform(job.target, job.reader, checkpoint.state.clock)
        self._canary = Canary(job, self._transform)
        self._selection = needing_work(job.target)
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
            self._retry.call(lambda: self._checkpoint.next_pass(self._counts))
        self._write_violations()
        spreads = key_spreads(self._job, self._checkpoint.state.clock)
        self._retry.call(lambda: self._checkpoint.finish(self._counts))
        return Result(self._counts, spreads, self._counts.remaining / max(self._counts.seconds, 0.001))

    def _pass(self) -> None:
        """Scans the whole table once, or what is left of it, and mends what it finds."""
        began = time.monotonic()
        self._counts.next_pass()
        self._job.each_segment(self._segment)
        self._counts.seconds = time.monotonic() - began

    def _segment(self, number: int) -> None:
        segment = self._retry.call(lambda: self._checkpoint.segment(number))
        self._show(segment.counts)
        while not segment.done:
            self._check_stop()
            page = self._job.reader.page(self._selection, number, self._job.segments, segment.next)
            mended = self._mend(page)
            counts = deepcopy(segment.counts)
            counts.add(mended.counts)
            segment = replace(segment, pages=segment.pages + 1, next=page.next, done=page.next is None, counts=counts)
            self._retry.call(partial(self._checkpoint.reached, number, segment, mended.violations))

    def _mend(self, page: Page) -> Mended:
        whole = Mended(Counts(scanned=page.scanned, skipped=page.scanned - len(page.items)))
        self._show(whole.counts)
        left = self._canary.try_first(page.items)
        if len(left) < len(page.items):
            written = Counts(changed=1, remaining=1)
            whole.counts.add(written)
            self._show(written)
        for start in range(0, len(left), CHUNK):
            self._check_stop()
            part = self._job.mender.mend(left[start : start + CHUNK], self._transform.missing)
            self._show(part.counts)
            whole.counts.add(part.counts)
            whole.violations.update(part.violations)
        return whole

    def _check_stop(self) -> None:
        if self._job.stop.is_set():
            raise Stopped

    def _show(self, counts: Counts) -> None:
        with self._lock:
            self._counts.add(counts)
            self._counts.rate = self._job.mender.throttle.rate
            self._job.on_progress(self._counts)

    def _write_violations(self) -> None:
        """Writes the reported keys to the file, a JSON line each: for this user only, since keys may be personal."""
        path = self._violations_file
        if path is None or not self._counts.violating:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            with path.open("w", encoding="utf-8") as file:
                file.writelines(
                    json.dumps({"key": json.loads(key), "reasons": reasons}, ensure_ascii=False) + "\n"
                    for key, reasons in self._checkpoint.violations()
                )
        except OSError as error:
            raise ToolError(
                f"The report of the {self._counts.violating} items that stay out of the index cannot be written.",
                f"{path}: {error.strerror}. The others are filled; the backfill does not count as done.",
                "Make room there, then repeat: it goes on where it was.",
            ) from error
