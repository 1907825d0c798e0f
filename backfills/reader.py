"""Reading a table in segments, side by side, within a rate of read units."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from backfills.scan import Key, Page, Selection, read_page
from backfills.target import Target
from dynamo.retry import Patience, Stopped
from dynamo.throttle import Throttle

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

READ_UNIT = 8192
"""Bytes that one read unit covers in an eventually consistent scan."""
PAGE_BYTES = 1024 * 1024
"""What DynamoDB reads at most for one page."""


def segments_for(size: int) -> int:
    """How many segments a table of that many bytes is scanned in: enough for the workers, and for a large table few
    enough that a segment (about 1 GB) is worth a checkpoint of its own."""
    pages, gigabytes = size // PAGE_BYTES, size // 1024**3
    return max(4, min(16, pages), min(1000, gigabytes))


class Reader:
    """Reads pages of one target. `page_items` is the most items that a page looks at (None: as many as fit 1 MB)."""

    def __init__(
        self,
        client: DynamoDBClient,
        target: Target,
        throttle: Throttle,
        patience: Patience,
        page_items: int | None = None,
    ) -> None:
        self._client = client
        self._target = target
        self._throttle = throttle
        self._patience = patience
        self._page_items = page_items

    def page(
        self, selection: Selection, segment: int, segments: int, start: Key | None = None, limit: int | None = None
    ) -> Page:
        """One page, of at most `limit` looked-at items. Raises ClientError or Stopped."""
        limit, estimated = self._page_size(segments, limit)
        self._throttle.acquire(estimated)
        page = self._patience.call(
            lambda: read_page(self._client, self._target, selection, segment, segments, start, limit)
        )
        self._throttle.settle(estimated, page.units)
        return page

    def pages(self, selection: Selection, segment: int, segments: int) -> Iterator[Page]:
        """Every page of one segment."""
        start: Key | None = None
        while True:
            page = self.page(selection, segment, segments, start)
            yield page
            start = page.next
            if start is None:
                return

    def _page_size(self, segments: int, limit: int | None) -> tuple[int | None, float]:
        """The most items of a page, so that it takes about a second's read units; and the units expected."""
        each = max(self._target.item_size, 1.0) / READ_UNIT
        whole = min(PAGE_BYTES, self._target.size / segments) / READ_UNIT
        rate = self._throttle.rate
        limits = [most for most in (limit, self._page_items) if most is not None]
        if rate * READ_UNIT < PAGE_BYTES:
            limits.append(max(1, int(rate / each)))
        limit = min(limits, default=None)
        return limit, max(0.5, whole if limit is None else min(whole, limit * each))


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
