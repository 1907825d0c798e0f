"""Two tables of the same keys, compared item by item in two passes, with a few pages in memory.

    first pass    scans one table; each item is looked up in the other: equal, different, or only here
    second pass   scans the keys of the other; each is looked up in the first: only there

Both read consistently, and neither is a snapshot: what is written meanwhile may be seen or not.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from backfills.reader import PAGE_BYTES, side_by_side
from dynamo.retry import Patience, Unanswered
from dynamo.throttle import Throttle

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]
"""An item as the low-level client gives it: attribute name -> typed value."""

READ_UNIT = 4096
"""Bytes that one read unit covers in a consistent read."""
BATCH = 100
"""Keys that one BatchGetItem may ask for (AWS)."""
EXAMPLES = 5
MOST_NAMES = 50
"""Attributes that are counted by name; further ones count as OTHERS, so that memory stays bounded."""
OTHERS = "(other attributes)"


@dataclass
class Comparison:
    """How many items are `equal`, `different`, `only_first` or `only_second`; which `attributes` differ (name ->
    items); and the keys of a few of each kind but the equal ones, as JSON."""

    equal: int = 0
    different: int = 0
    only_first: int = 0
    only_second: int = 0
    attributes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Whether no item differs."""
        return self.different + self.only_first + self.only_second == 0

    def example(self, kind: str, keys: tuple[str, ...], item: Item) -> None:
        """Notes the item's key, if there are not enough of that kind."""
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(json.dumps({key: item[key] for key in keys}, default=bytes.hex, ensure_ascii=False))

    def differs(self, names: set[str]) -> None:
        """Counts one item in which these attributes differ."""
        self.different += 1
        for name in sorted(names):
            known = name in self.attributes or len(self.attributes) < MOST_NAMES
            self.attributes[name if known else OTHERS] += 1


@dataclass(frozen=True)
class Side:
    """One of the tables: its physical name, the bytes of an average item, and what holds its reads to a rate."""

    client: DynamoDBClient
    table: str
    item_size: float
    throttle: Throttle
    patience: Patience

    def pages(self, segment: int, segments: int, names: tuple[str, ...] = ()) -> Iterator[list[Any]]:
        """The items of one segment, or these attributes of them, a page at a time, read consistently."""
        each = max(self.item_size, 1.0) / READ_UNIT
        parameters: dict[str, Any] = {}
        if names:
            placeholders = {f"#k{number}": name for number, name in enumerate(names)}
            parameters["ProjectionExpression"] = ", ".join(placeholders)
            parameters["ExpressionAttributeNames"] = placeholders
        while True:
            # About a second's worth of the rate, at most what fits a page.
            limit = max(1, int(min(self.throttle.rate, PAGE_BYTES / READ_UNIT) / each))
            estimated = max(1.0, limit * each)
            self.throttle.acquire(estimated)
            answer = self.patience.call(partial(self._scan, segment, segments, limit, parameters))
            self.throttle.settle(estimated, answer.get("ConsumedCapacity", {}).get("CapacityUnits"))
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _scan(self, segment: int, segments: int, limit: int, parameters: dict[str, Any]) -> Any:
        return self.client.scan(
            TableName=self.table,
            ConsistentRead=True,
            Segment=segment,
            TotalSegments=segments,
            Limit=limit,
            ReturnConsumedCapacity="TOTAL",
            **parameters,
        )

    def get(self, wanted: list[Item], keys: tuple[str, ...], *, whole: bool) -> dict[tuple[Any, ...], Any]:
        """Those of the wanted items that the table has, by key: whole, or only their keys."""
        found: dict[tuple[Any, ...], Any] = {}
        units = max(1.0, self.item_size / READ_UNIT)
        size = min(BATCH, self.throttle.largest_request(units))
        for start in range(0, len(wanted), size):
            asked = [{key: item[key] for key in keys} for item in wanted[start : start + size]]
            self.throttle.acquire(len(asked) * units)
            for item in self._batch(asked, keys, whole=whole):
                found[key_of(item, keys)] = item
        return found

    def _batch(self, asked: list[Any], keys: tuple[str, ...], *, whole: bool) -> list[Any]:
        pending, found = asked, list[Any]()
        request: dict[str, Any] = {"ConsistentRead": True}
        if not whole:
            placeholders = {f"#k{number}": name for number, name in enumerate(keys)}
            request |= {"ProjectionExpression": ", ".join(placeholders), "ExpressionAttributeNames": placeholders}

        def ask() -> None:
            nonlocal pending
            requested: Any = {self.table: {**request, "Keys": pending}}
            answer: Any = self.client.batch_get_item(RequestItems=requested)
            found.extend(answer["Responses"].get(self.table, []))
            # Too many bytes for one answer, or throttled.
            pending = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if pending:
                raise Unanswered(f"{len(pending)} items were not read")

        self.patience.call(ask)
        return found


def compare(
    first: Side,
    second: Side,
    keys: tuple[str, ...],
    segments: int,
    workers: int,
    stop: threading.Event,
    on_progress: Callable[[Comparison, int], None],
) -> Comparison:
    """Compares all items of two tables whose keys are `keys`, as many segments at a time as there are workers.
    `on_progress` is told the items that were scanned so far. Raises ClientError, or Stopped once `stop` is set."""
    result, lock = Comparison(), threading.Lock()
    scanned = 0

    def seen(items: int) -> None:
        nonlocal scanned
        scanned += items
        on_progress(result, scanned)

    def first_pass(segment: int) -> None:
        for items in first.pages(segment, segments):
            others = second.get(items, keys, whole=True)
            with lock:
                for item in items:
                    _count(result, keys, item, others.get(key_of(item, keys)))
                seen(len(items))

    def second_pass(segment: int) -> None:
        for items in second.pages(segment, segments, keys):
            others = first.get(items, keys, whole=False)
            with lock:
                for item in items:
                    if key_of(item, keys) not in others:
                        result.only_second += 1
                        result.example("only_second", keys, item)
                seen(len(items))

    side_by_side(segments, workers, stop, first_pass)
    side_by_side(segments, workers, stop, second_pass)
    return result


def differing(one: Item, other: Item) -> set[str]:
    """The names of the attributes that only one of two items has, or that they have of another type or value."""
    names = one.keys() | other.keys()
    return {name for name in names if (name in one) != (name in other) or _plain(one[name]) != _plain(other[name])}


def key_of(item: Item, keys: tuple[str, ...]) -> tuple[Any, ...]:
    """An item's key, so that it can be looked up: numbers are equal however they are written."""
    return tuple(_plain(item[key]) for key in keys)


def _count(result: Comparison, keys: tuple[str, ...], item: Item, other: Item | None) -> None:
    if other is None:
        result.only_first += 1
        result.example("only_first", keys, item)
        return
    names = differing(item, other)
    if names:
        result.differs(names)
        result.example("different", keys, item)
    else:
        result.equal += 1


def _plain(value: Mapping[str, Any]) -> tuple[str, Any]:
    """A typed value, in a form in which equal values are equal: sets have no order, numbers many spellings."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind == "NS":
        return kind, frozenset(map(Decimal, content))
    if kind in {"SS", "BS"}:
        return kind, frozenset(content)
    if kind == "L":
        return kind, [_plain(part) for part in content]
    if kind == "M":
        return kind, {name: _plain(part) for name, part in content.items()}
    return kind, content
