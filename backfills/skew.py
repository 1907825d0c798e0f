"""How the items spread over a new index's partitions: one hot value is one hot partition (1,000 writes a second)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backfills.scan import Page, Selection, every_value
from backfills.target import Target
from schema.backfill import Item

HOT_SHARE = 0.2
"""A value that more of the items have makes a hot partition, and a stack has to accept it by name. An on-demand table
starts with 4,000 writes a second: at a fifth of them one partition is near the 1,000 that it takes."""
TOO_FEW_ITEMS = 100
"""Of fewer items a share says nothing."""
FEWEST_SAMPLED, MOST_SAMPLED = 500, 5_000
"""Items of a sample: a share of 20 % is then known to within 5 % and 2 % (three standard errors)."""
SAMPLED_PART = 40
"""A sample is one part of so many of the table: it costs little beside two passes."""
SHOWN_VALUES = 3


@dataclass(frozen=True)
class Spread:
    """The most frequent values of one new index's partition key, with their shares of the items looked at."""

    index: str
    attribute: str
    items: int
    top: tuple[tuple[str, float], ...]

    @property
    def hottest(self) -> float:
        """The share of the most frequent value; 0 when no item has one, or when there are too few to tell."""
        return self.top[0][1] if self.top and self.items >= TOO_FEW_ITEMS else 0.0

    def __str__(self) -> str:
        shares = ", ".join(f"{value!r} {share:.0%}" for value, share in self.top)
        return f"{self.attribute}: {shares} of {self.items:,} items"


def spreads(
    target: Target,
    segments: int,
    read: Callable[[int, Selection, int], Page],
    value_of: Callable[[Item, str], str | None],
) -> list[Spread]:
    """Looks at the first items of each segment. Items lie in the order of a hash of their partition key, so these are a
    fair sample; a small table is seen whole.

    `read` reads so many items at most of a segment; `value_of` is what an item has, or will get, in an attribute.
    """
    seen: Mapping[str, Counter[str]] = {index: Counter() for index in target.partition_keys}
    sampled = min(MOST_SAMPLED, max(FEWEST_SAMPLED, target.item_count // SAMPLED_PART))
    items = 0
    for segment in range(segments):
        for item in read(segment, every_value(target), -(-sampled // segments)).items:
            items += 1
            for index, attribute in target.partition_keys.items():
                value = value_of(item, attribute)
                if value is not None:
                    seen[index][value] += 1
    return [
        Spread(
            index,
            attribute,
            items,
            tuple((value, count / items) for value, count in seen[index].most_common(SHOWN_VALUES)) if items else (),
        )
        for index, attribute in target.partition_keys.items()
    ]
