"""How the items spread over a new index's partitions: a hot key is one hot partition (1,000 writes a second)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from backfills.items.target import Target, every_value
from backfills.run.mender import Job
from schema.backfill import Given, Item, apply_rules

HOT_SHARE = 0.2
"""A value that more of the items have is a hot key, and a stack has to accept it by name. An on-demand table starts
with 4,000 writes a second: at a fifth of them one partition is near the 1,000 that it takes."""
TOO_FEW_ITEMS = 100
"""Of fewer items a share says nothing."""
FEWEST_SAMPLED, MOST_SAMPLED = 500, 5_000
"""Items of a sample: a share of 20 % is then known to within 5 % and 2 % (three standard errors)."""
SAMPLED_PART = 40
"""A sample is one part of so many of the table: it costs little beside two passes."""
SHOWN_VALUES = 3


@dataclass(frozen=True)
class KeySpread:
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


def key_spreads(job: Job, clock: str) -> list[KeySpread]:
    """How each new index's partition key spreads, with the values that items without one will get at that clock.

    Looks at the first items of each segment. Items lie in the order of a hash of their partition key, so these are a
    fair sample; a small table is seen whole.
    """
    target = job.target
    seen: dict[str, Counter[str]] = {index: Counter() for index in target.partition_keys}
    sampled = min(MOST_SAMPLED, max(FEWEST_SAMPLED, target.item_count // SAMPLED_PART))
    items = 0
    for segment in range(job.segments):
        most = -(-sampled // job.segments)
        for item in job.reader.page(every_value(target), segment, job.segments, most=most).items:
            items += 1
            for index, attribute in target.partition_keys.items():
                value = _value_of(target, item, attribute, clock)
                if value is not None:
                    seen[index][value] += 1
    return [
        KeySpread(
            index,
            attribute,
            items,
            tuple((value, count / items) for value, count in seen[index].most_common(SHOWN_VALUES)),
        )
        for index, attribute in target.partition_keys.items()
    ]


def _value_of(target: Target, item: Item, attribute: str, clock: str) -> str | None:
    if attribute in item:
        return next(iter(str(value) for value in item[attribute].values()))
    if attribute not in target.backfill.rules:
        return None
    return apply_rules(target.backfill, item, Given(clock), [attribute]).values.get(attribute)
