"""Reading one table by Scan, Query, BatchGetItem and GetItem: at a rate, in segments, a page in memory at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamo.expressions import Expressions
from dynamo.retry import Retry, Stopped, Unanswered
from dynamo.throttle import Throttle
from dynamo.units import CONSISTENT_READ_UNIT, EVENTUAL_READ_UNIT, PAGE_BYTES, UNLIMITED, consumed, mean_item_size
from schema.backfill import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

BATCH = 100
"""Keys that one BatchGetItem may ask for (AWS)."""
NAP_SECONDS = 0.2
"""How often a reader that waits calls its safe point."""

Key = Mapping[str, Any]
"""A typed key: of an item, or of the place where the next page begins."""


@dataclass(frozen=True)
class Page:
    """One page: the items that match, how many were looked at to find them, the read units that it took (None where
    the server does not say), where the next page begins (None: this is the last one), and how long the request took."""

    items: list[Item]
    scanned: int
    units: float | None
    next: Key | None
    seconds: float


class Reader:
    """Reads one table. Each request waits for `throttle`, is repeated as `retry` says, and adds to `units`.

    `size` and `item_count` are AWS's figures of the table (0: not known), from which requests are estimated;
    `page_items` is the most items that a page looks at (None: as many as fit 1 MB). `safe_point` is called before each
    request: what it raises ends the reading. `wait` is how the user of the reader waits.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        retry: Retry,
        throttle: Throttle | None = None,
        *,
        size: int = 0,
        item_count: int = 0,
        page_items: int | None = None,
        safe_point: Callable[[], None] = lambda: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.table = table
        self.retry = retry
        self.wait = wait
        self.units = 0.0
        self._client = client
        self._throttle = throttle or Throttle(UNLIMITED, threading.Event())
        self._size = size
        self._item_size = max(1.0, mean_item_size(size, item_count))
        self._page_items = page_items
        self._safe_point = safe_point
        self._lock = threading.Lock()

    @staticmethod
    def paced(
        client: DynamoDBClient,
        table: str,
        rate: float = UNLIMITED,
        safe_point: Callable[[], None] = lambda: None,
        *,
        size: int = 0,
        item_count: int = 0,
    ) -> Reader:
        """A reader of at most `rate` units a second, which calls `safe_point` while it waits, too."""
        stop = threading.Event()

        def nap(seconds: float) -> None:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                safe_point()
                time.sleep(min(left, NAP_SECONDS))

        throttle = Throttle(rate, stop, wait=nap)
        retry = Retry(table, stop, throttle.throttled, nap)
        return Reader(client, table, retry, throttle, size=size, item_count=item_count, safe_point=safe_point, wait=nap)

    def page(
        self,
        wanted: Expressions,
        segment: int = 0,
        segments: int = 1,
        start: Key | None = None,
        *,
        most: int | None = None,
        consistent: bool = False,
        index: str | None = None,
    ) -> Page:
        """One page of a scan of the table or an index, of at most `most` looked-at items."""
        parameters = {**wanted.parameters(), "Segment": segment, "TotalSegments": segments}
        expected = min(PAGE_BYTES, self._size / segments)
        return self._page(self._client.scan, _of_index(parameters, index), start, expected, most, consistent)

    def scan(
        self,
        wanted: Expressions,
        segment: int = 0,
        segments: int = 1,
        *,
        most_a_page: int | None = None,
        consistent: bool = False,
    ) -> Iterator[Page]:
        """Every page of one segment of the table."""
        start: Key | None = None
        while True:
            page = self.page(wanted, segment, segments, start, most=most_a_page, consistent=consistent)
            yield page
            start = page.next
            if start is None:
                return

    def query(
        self,
        wanted: Expressions,
        *,
        index: str | None = None,
        most: int | None = None,
        backwards: bool = False,
        consistent: bool = False,
    ) -> Iterator[Page]:
        """The pages of a query of the table or an index, which looks at `most` items at most."""
        parameters = _of_index({**wanted.parameters(), "ScanIndexForward": not backwards}, index)
        expected = self._item_size * (most or 1)
        start: Key | None = None
        while most is None or most > 0:
            page = self._page(self._client.query, parameters, start, expected, most, consistent)
            yield page
            start = page.next
            if start is None:
                return
            most = None if most is None else most - page.scanned

    def items(self, keys: Iterable[Key], attributes: Iterable[str] = ()) -> Iterator[Item]:
        """Those items of these keys that the table has, or these attributes of them, read consistently, in no order."""
        request = {**Expressions(attributes).parameters(), "ConsistentRead": True}
        left = list(keys)
        while left:
            size = min(BATCH, self._throttle.largest_request(self._units_each))
            yield from self._batch(request, left[:size])
            del left[:size]

    def item(self, key: Key) -> Item | None:
        """The item of this key, read consistently, or None."""
        parameters = {"TableName": self.table, "Key": dict(key), "ConsistentRead": True}
        answer, _ = self.retry.call(lambda: self._ask(self._client.get_item, parameters, self._units_each))
        found: Item | None = answer.get("Item")
        return found

    @property
    def _units_each(self) -> float:
        return max(1.0, self._item_size / CONSISTENT_READ_UNIT)

    def _page(
        self,
        request: Callable[..., Any],
        parameters: Mapping[str, Any],
        start: Key | None,
        expected: float,
        most: int | None,
        consistent: bool,
    ) -> Page:
        """One page, of about a second's units at most; `expected` are the bytes that it reads if nothing limits it."""
        unit = CONSISTENT_READ_UNIT if consistent else EVENTUAL_READ_UNIT
        each, rate = self._item_size / unit, self._throttle.rate
        limits = [limit for limit in (most, self._page_items) if limit is not None]
        if rate * unit < PAGE_BYTES:
            limits.append(max(1, int(rate / each)))
        limit = min(limits, default=None)
        estimated = expected / unit if limit is None else min(expected / unit, limit * each)
        asked = {**parameters, "TableName": self.table, "ConsistentRead": consistent}
        if start is not None:
            asked["ExclusiveStartKey"] = dict(start)
        if limit is not None:
            asked["Limit"] = limit
        answer, seconds = self.retry.call(lambda: self._ask(request, asked, max(0.5, estimated)))
        following = answer.get("LastEvaluatedKey")
        return Page(list(answer["Items"]), answer["ScannedCount"], consumed(answer), following, seconds)

    def _batch(self, request: Mapping[str, Any], keys: list[Key]) -> list[Item]:
        left, found = keys, list[Item]()

        def ask() -> None:
            nonlocal left
            parameters = {"RequestItems": {self.table: {**request, "Keys": left}}}
            answer, _ = self._ask(self._client.batch_get_item, parameters, len(left) * self._units_each)
            found.extend(answer["Responses"].get(self.table, []))
            # Too many bytes for one answer, or throttled.
            left = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if left:
                raise Unanswered(f"{len(left)} items were not read")

        self.retry.call(ask)
        return found

    def _ask(self, request: Callable[..., Any], parameters: Mapping[str, Any], estimated: float) -> tuple[Any, float]:
        """The answer, and how many seconds it took."""
        self._safe_point()
        self._throttle.acquire(estimated)
        began = time.perf_counter()
        answer = request(ReturnConsumedCapacity="TOTAL", **parameters)
        seconds = time.perf_counter() - began
        units = consumed(answer)
        self._throttle.reconcile(estimated, units)
        with self._lock:
            self.units += units or 0.0
        return answer, seconds


def _of_index(parameters: dict[str, Any], index: str | None) -> dict[str, Any]:
    return parameters if index is None else {**parameters, "IndexName": index}


def side_by_side(segments: int, workers: int, stop: threading.Event, work: Callable[[int], None]) -> None:
    """Does `work` for each segment, `workers` at a time. After a failure the others stop at their next request, and
    the failure is raised; Stopped only if there was no other."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(work, segment) for segment in range(segments)]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = any(future.exception() for future in done)
        except BaseException:
            failed = True
            raise
        finally:
            if failed:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
    failures = [error for future in futures if not future.cancelled() and (error := future.exception())]
    for failure in sorted(failures, key=lambda error: isinstance(error, Stopped)):
        raise failure
