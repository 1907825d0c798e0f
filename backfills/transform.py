"""From an item to the change that it needs: the rules, what they look up, and the conditions of the write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backfills.change import Change
from backfills.newest import newest_date
from backfills.target import Target
from dynamo.retry import Patience
from schema.backfill import Filled, Given, Item, apply_rules, fill

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class Transform:
    """The backfill of one target at one reading of the clock (ISO 8601 UTC with `Z`)."""

    def __init__(self, client: DynamoDBClient, target: Target, clock: str, patience: Patience) -> None:
        self._client = client
        self._target = target
        self._clock = clock
        self._patience = patience

    def missing(self, item: Item) -> tuple[Filled, Change | None]:
        """What the item lacks, and the change that adds it, if the item still lacks it and still has its sources."""
        backfill = self._target.backfill
        if all(name in item for name in backfill.attributes):
            return Filled(), None
        filled = self._target.fitting(fill(backfill, item, Given(self._clock, self._newest(item))))
        return filled, self._change(item, filled)

    def stale(self, item: Item) -> tuple[Filled, Change | None]:
        """What the item has that is no longer what its sources give, and the change that mends it, if the item still
        has both. Values that came from no source are never stale."""
        backfill = self._target.backfill
        given = Given(self._clock, self._newest(item), sources_only=True)
        present = [name for name in backfill.attributes if name in item]
        now = self._target.fitting(apply_rules(backfill, item, given, present))
        changed = Filled({name: value for name, value in now.values.items() if item[name] != {"S": value}})
        return changed, self._change(item, changed)

    def _newest(self, item: Item) -> str | None:
        """One query a profile: a scan promises neither an order nor that a partition's items come together."""
        target = self._target
        prefix = target.backfill.newest_of
        if prefix is None:
            return None
        partition_key = item[target.keys[0]]
        return self._patience.call(lambda: newest_date(self._client, target.table, target.keys, partition_key, prefix))

    def _change(self, item: Item, filled: Filled) -> Change | None:
        if not filled.values:
            return None
        target = self._target
        sources = {name: item.get(name) for name in target.backfill.reads if name not in target.keys}
        return Change(
            key=target.key_of(item),
            sets={name: {"S": value} for name, value in filled.values.items()},
            expected={**{name: item.get(name) for name in filled.values}, **sources},
        )
