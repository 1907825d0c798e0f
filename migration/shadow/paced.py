"""Reading a table and its indexes page by page, at most so many read units a second, and counting what it costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from backfills.scan import Page
from dynamo.throttle import Throttle
from schema.backfill import Item
from schema.errors import ToolError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

BATCH = 100
"""Items that one BatchGetItem may ask for (AWS)."""
MOST_TRIES = 10
"""Requests in a row that may bring none of the items asked for, because the table throttles: about 20 seconds."""
LONGEST_WAIT_SECONDS = 4.0
LEAST_UNITS_EACH = 0.01
"""Read units of the smallest items there are, in a page of many."""
NAP_SECONDS = 0.2
"""How often somebody who waits asks whether to stop."""


class PacedReads:
    """Reads one table. `rate` is in read units a second; without one, as fast as the table answers. Calls `safe_point`
    before each request and while it waits."""

    def __init__(
        self, client: DynamoDBClient, physical: str, safe_point: Callable[[], None], rate: float | None = None
    ) -> None:
        self._client = client
        self._physical = physical
        self._safe_point = safe_point
        self._throttle = Throttle(rate, threading.Event(), wait=self.wait) if rate else None
        self._units_each = 1.0
        self.units = 0.0
        """Read units consumed so far."""

    def scan(self, **parameters: Any) -> Iterator[Page]:
        """The pages of a consistent scan of the table."""
        parameters |= {"TableName": self._physical, "ConsistentRead": True}
        return self._pages(self._client.scan, None, parameters)

    def query(self, most: int, **parameters: Any) -> Iterator[Page]:
        """The pages of a query that looks at `most` items at most."""
        return self._pages(self._client.query, most, {"TableName": self._physical, **parameters})

    def items(self, keys: Iterable[dict[str, Any]]) -> Iterator[Item]:
        """The items of these keys that there are, read consistently, in no order. Raises ToolError."""
        left, tries = list(keys), 0
        while left:
            asked, rest = left[:BATCH], left[BATCH:]
            request: Any = {self._physical: {"Keys": asked, "ConsistentRead": True}}
            answer, _ = self._request(self._client.batch_get_item, {"RequestItems": request}, len(asked))
            yield from answer["Responses"].get(self._physical, [])
            unread = answer.get("UnprocessedKeys", {}).get(self._physical, {}).get("Keys", [])
            left = [*unread, *rest]
            tries = tries + 1 if len(unread) == len(asked) else 0
            if tries == MOST_TRIES:
                raise ToolError(
                    f"Reads of {self._physical} keep being throttled.",
                    "Items that differ are read again, which needs a little capacity.",
                    "Repeat when the table has read capacity left.",
                )
            if tries:
                self.wait(min(LONGEST_WAIT_SECONDS, 0.05 * 2**tries))

    def wait(self, seconds: float) -> None:
        """Waits, and asks meanwhile whether to stop."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._safe_point()
            time.sleep(min(left, NAP_SECONDS))

    def _pages(self, request: Callable[..., Any], most: int | None, parameters: dict[str, Any]) -> Iterator[Page]:
        while most is None or most > 0:
            limits = [limit for limit in (most, self._page_items) if limit is not None]
            if limits:
                parameters["Limit"] = min(limits)
            answer, units = self._request(request, parameters, min(limits, default=1))
            page = Page(answer["Items"], answer["ScannedCount"], units, answer.get("LastEvaluatedKey"))
            yield page
            if page.next is None:
                return
            parameters["ExclusiveStartKey"] = page.next
            most = None if most is None else most - page.scanned

    @property
    def _page_items(self) -> int | None:
        """The most items of a page, so that it takes about a second's units; None: as many as fit 1 MB."""
        return None if self._throttle is None else max(1, int(self._throttle.rate / self._units_each))

    def _request(self, request: Callable[..., Any], parameters: dict[str, Any], items: int) -> tuple[Any, float]:
        """The answer, and the read units that it took."""
        self._safe_point()
        estimated = items * self._units_each
        if self._throttle is not None:
            self._throttle.acquire(estimated)
        answer = request(ReturnConsumedCapacity="TOTAL", **parameters)
        consumed = answer.get("ConsumedCapacity", [])
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        self.units += units
        if self._throttle is not None:
            self._throttle.settle(estimated, units)
            self._units_each = max(units / max(answer.get("ScannedCount", items), 1), LEAST_UNITS_EACH)
        return answer, units
