"""Changes the items of one page, each until it is as it should be, or the application has decided otherwise; and the
job that such pages are part of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from backfills.items.change import ItemChange
from backfills.items.target import Target
from backfills.items.writer import Status, Writer, WriteResult
from backfills.progress.journal import Journal
from backfills.progress.records import Counts
from dynamo.keys import key_of
from dynamo.reader import Reader, side_by_side
from dynamo.retry import Retry, Unanswered
from dynamo.throttle import Throttle
from dynamo.units import WRITE_UNIT
from schema.backfill import Filled, Item

MAXIMUM_RACES = 20
"""How often one item is computed again before it is left to the next pass."""

Wanted = Callable[[Item], tuple[Filled, ItemChange | None]]
"""What an item gets, and the change that gives it (None: nothing to change)."""


@dataclass
class Mended:
    """What became of a page's items; `violations` are the reported keys (as JSON), with reasons."""

    counts: Counts = field(default_factory=Counts)
    violations: dict[str, list[str]] = field(default_factory=dict)


class Mender:
    """Applies changes to one target. All workers share it: the writer, the `throttle`, the journal (None: there is
    none), and the `guard`, which is called before each write."""

    def __init__(
        self,
        target: Target,
        writer: Writer,
        throttle: Throttle,
        retry: Retry,
        journal: Journal | None,
        guard: Callable[[], None],
    ) -> None:
        self.throttle = throttle
        self._target = target
        self._writer = writer
        self._retry = retry
        self._journal = journal
        self._guard = guard
        self._lock = threading.Lock()
        self._units_each = float(ceil(target.item_size / WRITE_UNIT))

    def mend(self, items: Iterable[Item], wanted: Wanted) -> Mended:
        """Changes what `wanted` says, and again from the item as it then is where the application was faster.

        Raises ClientError, ToolError or Stopped; then some of the items are changed, and none of them half.
        """
        mended, pending = Mended(), list(items)
        counts = mended.counts
        for _ in range(MAXIMUM_RACES):
            pending = self._round(pending, wanted, mended)
            counts.raced += len(pending)
            if not pending:
                break
        counts.remaining += len(pending)
        counts.violating = len(mended.violations)
        counts.violations.update(reason for reasons in mended.violations.values() for reason in reasons)
        return mended

    def _round(self, items: Sequence[Item], wanted: Wanted, mended: Mended) -> list[Item]:
        """Tries each item once. Returns those that the application changed meanwhile, as they now are."""
        work: list[tuple[Item, ItemChange]] = []
        for item in items:
            filled, change = wanted(item)
            self._report(item, [*filled.reasons.values(), *self._target.violations(item)], mended)
            if change is None:
                mended.counts.skipped += 1
            else:
                work.append((item, change))
        again: list[Item] = []
        for (item, _), result in zip(work, self.send([change for _, change in work]), strict=True):
            if result.status is Status.DONE:
                mended.counts.changed += 1
                mended.counts.remaining += 1
            elif result.status is Status.TOO_LARGE:
                self._report(item, [Status.TOO_LARGE], mended)
            else:
                # Whatever was reported of it was about an item that is no more.
                mended.violations.pop(shown_key(self._target, item), None)
                mended.counts.deleted += result.found is None
                if result.found is not None:
                    again.append(result.found)
        return again

    def send(self, changes: Sequence[ItemChange], *, noting: bool = True) -> list[WriteResult]:
        """Makes the changes, in requests that keep to the throttle, and returns their results in order."""
        if self._journal is not None and noting:
            journal = self._journal
            self._retry.call(lambda: journal.note(changes))
        results: list[WriteResult] = []
        left = list(changes)
        while left:
            size = min(self._writer.batch, self.throttle.largest_request(self._units_each))
            results += self._request(left[:size])
            del left[:size]
        return results

    def _request(self, changes: Sequence[ItemChange]) -> list[WriteResult]:
        """One request, and what of it went unanswered again."""
        results: dict[int, WriteResult] = {}
        tried: set[int] = set()

        def attempt() -> None:
            left = [number for number in range(len(changes)) if number not in results]
            estimated = self._units_each * len(left)
            self.throttle.acquire(estimated)
            again = set(tried)
            tried.update(left)
            self._guard()
            found = self._writer.send([changes[number] for number in left])
            self._learn(estimated, found.units, len(left))
            if found.throttled:
                self.throttle.throttled(self._target.table)
            for number, result in zip(left, found.each, strict=True):
                if number in again and _is_ours(changes[number], result):
                    results[number] = WriteResult(Status.DONE)
                elif result.status is not Status.UNANSWERED:
                    results[number] = result
            if len(results) < len(changes):
                raise Unanswered(
                    f"{len(changes) - len(results)} of {len(left)} statements were throttled or met a fault"
                )

        self._retry.call(attempt)
        return [results[number] for number in range(len(changes))]

    def _learn(self, estimated: float, units: float | None, count: int) -> None:
        self.throttle.reconcile(estimated, units)
        if units is not None:
            with self._lock:
                self._units_each += (max(1.0, units / count) - self._units_each) * 0.2

    def _report(self, item: Item, reasons: Iterable[str], mended: Mended) -> None:
        for reason in reasons:
            known = mended.violations.setdefault(shown_key(self._target, item), [])
            if reason not in known:
                known.append(str(reason))


def shown_key(target: Target, item: Item) -> str:
    """The item's key as JSON, for a file or a message."""
    return json.dumps(key_of(item, target.keys), default=repr, ensure_ascii=False)


def _is_ours(change: ItemChange, result: WriteResult) -> bool:
    """Whether a refusal only says that an earlier try, whose answer was lost, had made the change."""
    return result.status is Status.REFUSED and result.found is not None and change.is_made(result.found)


@dataclass(frozen=True)
class Job:
    """One target, divided into `segments`, of which as many are worked on at a time as there are `workers`.

    Setting `stop` ends the job at the next request. `on_progress` is told the counts so far.
    """

    target: Target
    reader: Reader
    mender: Mender
    segments: int
    workers: int
    stop: threading.Event
    on_progress: Callable[[Counts], None]

    def each_segment(self, work: Callable[[int], None]) -> None:
        """Does `work` for each segment."""
        side_by_side(self.segments, self.workers, self.stop, work)
