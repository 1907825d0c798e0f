"""A restored table and the live one, compared item by item in two passes, with a few pages in memory.

    first pass    scans the restored one; each item is looked up in the live one: equal, different, or only restored
    second pass   scans the keys of the live one; each is looked up in the restored one: only live

Both read consistently, and neither is a snapshot: what is written meanwhile may be seen or not.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dynamo.expressions import Expressions
from dynamo.keys import key_of
from dynamo.reader import Reader, side_by_side
from dynamo.values import comparable, same
from schema.backfill import Item

EXAMPLES = 5
MOST_NAMES = 50
"""Attributes that are counted by name; further ones count as OTHERS, so that memory stays bounded."""
OTHERS = "(other attributes)"


@dataclass
class TableComparison:
    """How many items are `equal`, `different`, `only_restored` or `only_live`; which `attributes` differ (name ->
    items); and the keys of a few of each kind but the equal ones, as JSON."""

    equal: int = 0
    different: int = 0
    only_restored: int = 0
    only_live: int = 0
    attributes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """The counts by their names."""
        return {name: getattr(self, name) for name in ("equal", "different", "only_restored", "only_live")}

    def example(self, kind: str, keys: tuple[str, ...], item: Item) -> None:
        """Notes the item's key, if there are not enough of that kind."""
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(json.dumps(key_of(item, keys), default=bytes.hex, ensure_ascii=False))

    def differs(self, names: set[str]) -> None:
        """Counts one item in which these attributes differ."""
        self.different += 1
        for name in sorted(names):
            known = name in self.attributes or len(self.attributes) < MOST_NAMES
            self.attributes[name if known else OTHERS] += 1


_Count = Callable[[Item, Item | None], None]
"""Counts an item of one table, given the other table's item of the same key (None: there is none)."""


def compare(
    restored: Reader,
    live: Reader,
    keys: tuple[str, ...],
    segments: int,
    workers: int,
    stop: threading.Event,
    on_progress: Callable[[TableComparison, int], None],
) -> TableComparison:
    """Compares all items of two tables whose keys are `keys`, as many segments at a time as there are workers.
    `on_progress` is told the items that were scanned so far. Raises ClientError, or Stopped once `stop` is set."""
    result, lock = TableComparison(), threading.Lock()
    scanned = 0

    def look_up(scanning: Reader, other: Reader, attributes: tuple[str, ...], count: _Count) -> None:
        """Scans one table, and gives each item to `count` with the one of that key in the other table. Of both, only
        these attributes are read."""

        def segment(number: int) -> None:
            nonlocal scanned
            for page in scanning.scan(Expressions(attributes), number, segments, consistent=True):
                others = other.items([key_of(item, keys) for item in page.items], attributes)
                found = {_place(item, keys): item for item in others}
                with lock:
                    for item in page.items:
                        count(item, found.get(_place(item, keys)))
                    scanned += len(page.items)
                    on_progress(result, scanned)

        side_by_side(segments, workers, stop, segment)

    look_up(restored, live, (), partial(_count, result, keys))
    look_up(live, restored, keys, partial(_count_missing, result, keys))
    return result


def differing(one: Item, other: Item) -> set[str]:
    """The names of the attributes that only one of two items has, or that they have of another type or value."""
    names = one.keys() | other.keys()
    return {name for name in names if name not in one or name not in other or not same(one[name], other[name])}


def _place(item: Item, keys: tuple[str, ...]) -> tuple[Any, ...]:
    """An item's key, so that it can be looked up: numbers are equal however they are written."""
    return tuple(comparable(item[key]) for key in keys)


def _count(result: TableComparison, keys: tuple[str, ...], item: Item, other: Item | None) -> None:
    if other is None:
        result.only_restored += 1
        result.example("only_restored", keys, item)
    elif names := differing(item, other):
        result.differs(names)
        result.example("different", keys, item)
    else:
        result.equal += 1


def _count_missing(result: TableComparison, keys: tuple[str, ...], item: Item, other: Item | None) -> None:
    if other is None:
        result.only_live += 1
        result.example("only_live", keys, item)
