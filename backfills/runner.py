"""Running one backfill: a canary item first, then whole passes until one finds nothing left to do."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from backfills.model import LONGEST_KEY, Backfill, Filled, Given, Item, fill
from backfills.newest import newest_date
from backfills.scan import Page, scan_segment
from backfills.writer import Outcome, Written, write_item
from stack.errors import VerificationFailed

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SEGMENTS = 4
"""Parts of the table that are scanned side by side, one thread each."""
MAXIMUM_PASSES = 10
"""After so many passes that still changed something, old code is inserting items as fast as we mend them."""


@dataclass
class Counts:
    """What a backfill has done so far: items by what became of them. Of the last pass only: `remaining`, the items that
    it still had to change or leave; `unfit`, those that can not be filled or can be no index key, and why."""

    scanned: int = 0
    changed: int = 0
    raced: int = 0
    passes: int = 0
    remaining: int = 0
    unfit: int = 0
    violations: Counter[str] = field(default_factory=Counter)


OnProgress = Callable[[Counts], None]


class BackfillRun:
    """One backfill of one physical table, whose keys are `keys`, at one clock reading (ISO 8601 UTC with `Z`)."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        keys: tuple[str, ...],
        backfill: Backfill,
        clock: str,
        on_progress: OnProgress = lambda counts: None,
    ) -> None:
        self._client = client
        self._table = table
        self._keys = keys
        self._backfill = backfill
        self._clock = clock
        self._on_progress = on_progress
        self._counts = Counts()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self) -> Counts:
        """Fills every item in scope and returns the counts; `remaining` is what the last pass still had to change.

        Raises VerificationFailed when the canary reads back wrong, ClientError when AWS refuses.
        """
        self._canary()
        for _ in range(MAXIMUM_PASSES):
            self._pass()
            if self._counts.remaining == 0:
                break
        return self._counts

    def _canary(self) -> None:
        """Writes one item that needs it, reads it back, and compares, before any other is touched."""
        pages = chain.from_iterable(self._pages(segment) for segment in range(SEGMENTS))
        for item in chain.from_iterable(page.items for page in pages):
            expected = self._compute(item)
            if not expected.values:
                continue
            written = self._write(item)
            self._counts.changed += written.outcome is Outcome.CHANGED
            if written.outcome is not Outcome.CHANGED or written.races:
                continue
            key: Any = {name: item[name] for name in self._keys}
            found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            for attribute, value in expected.values.items():
                if found.get(attribute) != {"S": value}:
                    raise VerificationFailed(
                        f"The canary item of {self._table} read back wrong.",
                        f"{key}: {attribute} should be {value!r}. The run stopped there.",
                        "Compare the rule in backfills/ with the item.",
                    )
            return

    def _pass(self) -> None:
        """Scans the whole table once and mends what it finds."""
        self._counts.passes += 1
        self._counts.scanned = self._counts.remaining = self._counts.unfit = 0
        self._counts.violations = Counter()
        with ThreadPoolExecutor(max_workers=SEGMENTS) as pool:
            segments = [pool.submit(self._segment, segment) for segment in range(SEGMENTS)]
            try:
                for segment in segments:
                    segment.result()
            except BaseException:
                self._stop.set()
                raise

    def _segment(self, segment: int) -> None:
        for page in self._pages(segment):
            self._mend(page)
            if self._stop.is_set():
                return

    def _pages(self, segment: int) -> Iterator[Page]:
        return scan_segment(self._client, self._table, self._keys, self._backfill, segment, SEGMENTS)

    def _mend(self, page: Page) -> None:
        for item in page.items:
            if self._stop.is_set():
                return
            written = self._write(item)
            reasons = [*written.reasons, *unfit_keys(self._backfill, item)]
            with self._lock:
                self._counts.changed += written.outcome is Outcome.CHANGED
                self._counts.remaining += written.outcome in {Outcome.CHANGED, Outcome.BUSY}
                self._counts.raced += written.races
                self._counts.unfit += bool(reasons)
                self._counts.violations.update(reasons)
                self._on_progress(self._counts)
        with self._lock:
            self._counts.scanned += page.scanned
            self._on_progress(self._counts)

    def _write(self, item: Item) -> Written:
        return write_item(self._client, self._table, self._keys, self._backfill, item, self._compute)

    def _compute(self, item: Item) -> Filled:
        newest = None
        wanted = self._backfill.newest_of
        if wanted is not None and not set(self._backfill.attributes) <= set(item):
            newest = newest_date(self._client, self._table, self._keys, item[self._keys[0]], wanted)
        return fill(self._backfill, item, Given(self._clock, newest))


def unfit_keys(backfill: Backfill, item: Item) -> list[str]:
    """Why attributes that the item already has can not be index keys: the scan returned it for such a reason."""
    reasons: list[str] = []
    for attribute in backfill.attributes:
        value = item.get(attribute)
        if value is None:
            continue
        if "S" not in value:
            reasons.append(f"{attribute} is not a string")
        elif not value["S"]:
            reasons.append(f"{attribute} is an empty string")
        elif len(value["S"].encode()) > LONGEST_KEY:
            reasons.append(f"{attribute} is too long for an index key")
    return reasons
