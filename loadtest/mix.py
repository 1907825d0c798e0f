"""What a load test sends: the declared access patterns in their shares, and new items. What each costs. Pure."""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from dynamo.expressions import Expressions
from dynamo.sizes import indexed, item_size, write_units
from dynamo.units import EVENTUAL_READ_UNIT
from dynamo.values import Value
from loadtest.items import Source
from schema.backfill import Item
from schema.model import AccessPattern, Index, Table

PAGE_ITEMS = 25
"""Items of one read: a page, as an application shows it. A query without a limit would read up to 1 MB of a popular
key."""
READ_DOLLARS, WRITE_DOLLARS = 0.125 / 1e6, 0.625 / 1e6
"""On demand, a unit (us-east-1, since November 2024). A provisioned table is paid for its capacity, used or not."""


@dataclass(frozen=True)
class Reading:
    """An access pattern that can be read: of which `table` and `index`, with partition key `values` as often as they
    were found; one request is expected to take so many `units`."""

    pattern: AccessPattern
    table: Table
    index: Index | None
    values: tuple[Value, ...]
    units: float

    @property
    def name(self) -> str:
        return self.pattern.name

    def request(self, chance: random.Random) -> Expressions:
        """A query of one of the values: those that many items have are asked for more often."""
        keys = self.table.keys if self.index is None else self.index.keys
        return Expressions().under(keys, chance.choice(self.values), self.pattern.sort_key_prefix)


@dataclass(frozen=True)
class Writing:
    """New items of a table, made from real ones. `units` are expected of one of them, for the table and its live
    indexes together; its removal takes as many."""

    table: Table
    source: Source
    units: float

    @property
    def name(self) -> str:
        return f"new items of {self.table.name}"


@dataclass(frozen=True)
class Line:
    """What one kind of request comes to in so many `seconds`: how often (`rate`, a second), and the units of one."""

    name: str
    rate: float
    units: float
    writes: bool
    seconds: float

    @property
    def units_in_all(self) -> float:
        """Units over the whole test; what was written is removed again."""
        return self.rate * self.seconds * self.units * (2 if self.writes else 1)

    @property
    def dollars(self) -> float:
        """On demand."""
        return self.units_in_all * (WRITE_DOLLARS if self.writes else READ_DOLLARS)


@dataclass(frozen=True)
class Mix:
    """Everything that is sent, with its weight; `left_out` says why something is not."""

    kinds: tuple[tuple[Reading | Writing, float], ...]
    left_out: Mapping[str, str]

    @property
    def writings(self) -> tuple[Writing, ...]:
        return tuple(kind for kind, _ in self.kinds if isinstance(kind, Writing))

    def draw(self, chance: random.Random) -> Reading | Writing:
        """The next kind of request."""
        sums = list(accumulate(weight for _, weight in self.kinds))
        return self.kinds[min(bisect(sums, chance.random() * sums[-1]), len(sums) - 1)][0]

    def lines(self, rate: float, seconds: float) -> Iterator[Line]:
        """What it comes to at `rate` requests a second."""
        total = sum(weight for _, weight in self.kinds)
        for kind, weight in self.kinds:
            yield Line(kind.name, rate * weight / total, kind.units, isinstance(kind, Writing), seconds)


def weighed(
    readings: list[Reading],
    writings: list[Writing],
    left_out: Mapping[str, str],
    weights: Mapping[str, float],
    write_share: float,
) -> Mix:
    """The mix: access patterns by their weights (1 where the stack names none), and new items as `write_share` of all
    requests, among tables as their access patterns are."""
    reads = [(one, weight) for one in readings if (weight := weights.get(one.name, 1.0)) > 0]
    of_table: defaultdict[str, float] = defaultdict(float)
    for reading, weight in reads:
        of_table[reading.table.name] += weight
    all_reads, all_writes = sum(weight for _, weight in reads), sum(of_table[one.table.name] for one in writings)
    factor = all_reads * write_share / (1 - write_share) / all_writes if all_writes else 0.0
    writes = [(one, weight) for one in writings if (weight := of_table[one.table.name] * factor) > 0]
    return Mix((*reads, *writes), left_out)


def read_units(sizes: list[int], items: int) -> float:
    """Units of an eventually consistent query that returns so many items, by the sizes of some of them in bytes."""
    mean = sum(sizes) / len(sizes) if sizes else 0.0
    return max(1, math.ceil(2 * mean * items / EVENTUAL_READ_UNIT)) / 2


def units_of_new(items: tuple[Item, ...], table: Table, live: tuple[Index, ...]) -> float:
    """Write units of one new item like these, of the table and of each live index that it enters."""
    units = 0
    for item in items:
        units += write_units(item_size(item))
        kept = (indexed(item, index, table.key_names) for index in live)
        units += sum(write_units(item_size(one)) for one in kept if one is not None)
    return units / len(items)
