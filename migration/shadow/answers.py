"""What a table and one of its indexes answer to the same read, side by side: which items, in what order. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from dynamo.keys import IndexKey, Place, index_keys, place_of
from dynamo.values import Value, same
from schema.backfill import Item
from schema.model import Index, Table
from schema.parts import ProjectionType

FREQUENT_VALUES = 5
CHOSEN_VALUES = 10
"""Partition key values that are read for one access pattern: the most frequent ones, and a sample of the others."""
MOST_COUNTED = 1000
"""Values that are counted side by side. One that more than one item in so many has is surely among them."""

Key = tuple[tuple[str, Any], ...]
"""An item's key in its table, as type and value, partition key first."""


class Kind(StrEnum):
    """How the answers of a table and of its index may differ in one item."""

    MISSING_KEY = "missing key"
    VIOLATION = "violation"
    LAG = "lag"
    PROJECTION = "projection"
    MISSING = "missing from the index"
    NOT_IN_TABLE = "not in the table"
    WRONG_ORDER = "wrong order"
    OTHER_ATTRIBUTES = "other attributes"


EXPLAINED = frozenset({Kind.MISSING_KEY, Kind.VIOLATION, Kind.LAG, Kind.PROJECTION})
"""Differences that are as they should be: the item does not belong in the index, has changed while it was looked at, or
has attributes that the index does not copy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item in the order of an index. Those of equal `order` have none among themselves."""

    key: Key
    order: tuple[Any, ...]


@dataclass(frozen=True)
class Placing:
    """Where a table's items belong in one of its indexes, as one access pattern reads it: `sort_key_prefix` narrows
    it to sort keys that begin so."""

    table: Table
    index: Index
    sort_key_prefix: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the table and of the index."""
        return tuple(dict.fromkeys(key.name for key in (*self.table.keys, *self.index.keys)))

    def key(self, item: Item) -> Key:
        """The item's key in the table."""
        return tuple(next(iter(item[name].items())) for name in self.table.key_names)

    def typed(self, key: Key) -> dict[str, Any]:
        """The key as DynamoDB is asked for it."""
        return {name: {kind: held} for name, (kind, held) in zip(self.table.key_names, key, strict=True)}

    def outside(self, item: Item) -> Kind | None:
        """Why the item does not belong in the index, or None."""
        if any(name not in item for name in self._index_keys):
            return Kind.MISSING_KEY
        fits = all(key.violation(item[name]) is None for name, key in self._index_keys.items())
        return None if fits else Kind.VIOLATION

    @cached_property
    def _index_keys(self) -> dict[str, IndexKey]:
        return index_keys([self.index])

    def partition(self, item: Item) -> Place:
        """The item's partition key in the index."""
        return place_of(item[self.index.partition_key.name])

    def is_read(self, item: Item) -> bool:
        """Whether the access pattern reads this item of the index under its partition key."""
        if self.sort_key_prefix is None or self.index.sort_key is None:
            return True
        place = place_of(item[self.index.sort_key.name])
        return isinstance(place, bytes) and place.startswith(self.sort_key_prefix.encode())

    def is_under(self, value: Place, item: Item) -> bool:
        """Whether the access pattern reads this item of the table under that partition key."""
        return self.outside(item) is None and self.partition(item) == value and self.is_read(item)

    def entry(self, item: Item) -> Entry:
        """The item's place under its partition key."""
        sort_key = self.index.sort_key
        return Entry(self.key(item), () if sort_key is None else (place_of(item[sort_key.name]),))

    def copies(self, attribute: str) -> bool:
        """Whether the index has this attribute of its items."""
        projection = self.index.projection
        return projection.type is ProjectionType.ALL or attribute in (*self.keys, *projection.attributes)


class Values:
    """Counts the values of a partition key in bounded memory, and chooses those to be read: the most frequent, and of
    the others always the same sample."""

    def __init__(self) -> None:
        self._counts: Counter[Place] = Counter()
        self._typed: dict[Place, Value] = {}
        self._sample: dict[Place, tuple[bytes, Value]] = {}

    def add(self, value: Value) -> None:
        """Counts one item's value."""
        place = place_of(value)
        if place not in self._sample:
            self._sample[place] = (_digest(value), value)
            if len(self._sample) > CHOSEN_VALUES:
                del self._sample[max(self._sample, key=lambda sampled: self._sample[sampled][0])]
        self._counts[place] += 1
        self._typed.setdefault(place, value)
        if len(self._counts) > MOST_COUNTED:
            # Misra and Gries: taking one from every count keeps each frequent value.
            self._counts = Counter({known: count - 1 for known, count in self._counts.items() if count > 1})
            self._typed = {known: self._typed[known] for known in self._counts}

    def chosen(self) -> dict[Place, Value]:
        """The typed values to be read."""
        by_count = sorted(self._counts, key=lambda place: (-self._counts[place], _digest(self._typed[place])))
        found = {place: self._typed[place] for place in by_count[:FREQUENT_VALUES]}
        for place in sorted(self._sample, key=lambda sampled: self._sample[sampled][0]):
            if len(found) < CHOSEN_VALUES:
                found.setdefault(place, self._sample[place][1])
        return found


def _digest(value: Value) -> bytes:
    ((kind, held),) = value.items()
    return blake2b(kind.encode() + (held.encode() if isinstance(held, str) else bytes(held)), digest_size=8).digest()


@dataclass(frozen=True)
class IndexAnswer:
    """Items in the order in which one side returns them; `complete`: nothing follows the last one."""

    entries: tuple[Entry, ...]
    complete: bool
    backwards: bool = False

    @cached_property
    def keys(self) -> frozenset[Key]:
        return frozenset(entry.key for entry in self.entries)

    @cached_property
    def out_of_order(self) -> frozenset[Key]:
        """Items that come after one that they should come before."""
        return frozenset(
            later.key
            for earlier, later in pairwise(self.entries)
            if (later.order > earlier.order if self.backwards else later.order < earlier.order)
        )

    def covers(self, order: tuple[Any, ...]) -> bool:
        """Whether an item of that order is surely among these, if it is there at all. Of those that are equal to the
        last one of an incomplete answer, any may have been cut off."""
        if self.complete or self._edge is None:
            return self.complete
        return order > self._edge if self.backwards else order < self._edge

    @cached_property
    def _edge(self) -> tuple[Any, ...] | None:
        orders = [entry.order for entry in self.entries]
        return (min(orders) if self.backwards else max(orders)) if orders else None


class First:
    """Keeps the first `limit` entries of many, in the order of the index or backwards, in bounded memory."""

    def __init__(self, limit: int, *, backwards: bool = False) -> None:
        self._limit = limit
        self._backwards = backwards
        self._kept: list[Entry] = []
        self._complete = True

    def add(self, entry: Entry) -> None:
        """Takes one more, in any order."""
        self._kept.append(entry)
        if len(self._kept) >= 2 * self._limit:
            self._cut()

    def answer(self) -> IndexAnswer:
        """The first ones, sorted."""
        self._cut()
        return IndexAnswer(tuple(self._kept), self._complete, self._backwards)

    def _cut(self) -> None:
        self._kept.sort(key=lambda entry: entry.order, reverse=self._backwards)
        self._complete = self._complete and len(self._kept) <= self._limit
        del self._kept[self._limit :]


@dataclass(frozen=True)
class AnswerComparison:
    """The items that two answers were compared in, those of them that differ, and those that only the index's answer
    holds because the table's was cut off before them: whether they are right is to be looked up."""

    compared: frozenset[Key]
    differing: frozenset[Key]
    unknown: frozenset[Key]


def compare(base: IndexAnswer, index: IndexAnswer) -> AnswerComparison:
    """Holds what the index answers against what the table's own items say that it should."""
    expected, returned = set(base.entries), set(index.entries)
    covered = {entry for entry in expected if index.covers(entry.order)}
    surplus = returned - expected
    differing = {entry.key for entry in covered - returned} | index.out_of_order
    differing |= {entry.key for entry in surplus if base.covers(entry.order)}
    return AnswerComparison(
        compared=frozenset(entry.key for entry in covered | returned),
        differing=frozenset(differing),
        unknown=frozenset(entry.key for entry in surplus) - differing,
    )


def judge(
    placing: Placing,
    value: Place,
    key: Key,
    base: Item | None,
    answers: Sequence[IndexAnswer],
    returned: Item | None,
    *,
    whole: bool,
) -> Kind | None:
    """How one item differs under the partition key `value`, or None: it agrees.

    `base` is the item as its table has it now (None: it does not), `returned` as one of the index's `answers` holds it
    (None: none does): `whole`, or with its keys only.
    """
    if any(key in answer.out_of_order for answer in answers):
        return Kind.WRONG_ORDER
    if base is not None and placing.is_under(value, base):
        order = placing.entry(base).order
        if any(key not in answer.keys and answer.covers(order) for answer in answers):
            return Kind.MISSING
    if returned is None:
        return None
    return Kind.NOT_IN_TABLE if base is None else _attributes(placing, base, returned, whole=whole)


def _attributes(placing: Placing, base: Item, returned: Item, *, whole: bool) -> Kind | None:
    """How an item that both sides have differs in what the index returned of it."""
    left_out = base.keys() - returned.keys() if whole else set[str]()
    wrong = any(name not in base or not same(base[name], held) for name, held in returned.items())
    if wrong or any(placing.copies(name) for name in left_out):
        return Kind.OTHER_ATTRIBUTES
    return Kind.PROJECTION if left_out else None


def show(keys: Iterable[tuple[str, Any]]) -> str:
    """A key for a person."""
    return " / ".join(held if isinstance(held, str) else held.hex() for _, held in keys)
