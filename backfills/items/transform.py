"""From an item to the change that it needs: the rules, what they look up, and the conditions of the write."""

from __future__ import annotations

from datetime import UTC, date, datetime

from backfills.items.change import ItemChange
from backfills.items.target import Target
from dynamo.expressions import Expressions
from dynamo.keys import key_of
from dynamo.reader import Reader
from schema.backfill import Filled, Given, Item, apply_rules, fill
from schema.parts import Attribute


class Transform:
    """The backfill of one target at one reading of the clock (ISO 8601 UTC with `Z`)."""

    def __init__(self, target: Target, reader: Reader, clock: str) -> None:
        self._target = target
        self._reader = reader
        self._clock = clock

    def missing(self, item: Item) -> tuple[Filled, ItemChange | None]:
        """What the item lacks, and the change that adds it, if the item still lacks it and still has its sources."""
        backfill = self._target.backfill
        if all(name in item for name in backfill.attributes):
            return Filled(), None
        filled = self._target.fitting(fill(backfill, item, Given(self._clock, self._newest(item))))
        return filled, self._change(item, filled)

    def stale(self, item: Item) -> tuple[Filled, ItemChange | None]:
        """What the item has that is no longer what its sources give, and the change that mends it, if the item still
        has both. Values that came from no source are never stale."""
        backfill = self._target.backfill
        given = Given(self._clock, self._newest(item), sources_only=True)
        present = [name for name in backfill.attributes if name in item]
        now = self._target.fitting(apply_rules(backfill, item, given, present))
        changed = Filled({name: value for name, value in now.values.items() if item[name] != {"S": value}})
        return changed, self._change(item, changed)

    def _newest(self, item: Item) -> str | None:
        """The UTC date (YYYY-MM-DD) of the newest record of the item's partition by time, not by sort key order; None
        if there is no record, or if no rule asks for it.

        One paginated query of the sort keys alone for each profile, in the memory of one page: a scan promises neither
        an order nor that a partition's items come together.
        """
        prefix = self._target.backfill.newest_of
        if prefix is None:
            return None
        partition_key, sort_key = self._target.keys
        wanted = Expressions([sort_key]).under(
            (Attribute(partition_key), Attribute(sort_key)), item[partition_key], prefix
        )
        newest: date | None = None
        for page in self._reader.query(wanted, consistent=True):
            for record in page.items:
                held = str(record[sort_key]["S"])
                time = record_time(held) if "#" in held.removeprefix(prefix) else None
                if time is not None and (newest is None or time.date() > newest):
                    newest = time.date()
        return newest.isoformat() if newest else None

    def _change(self, item: Item, filled: Filled) -> ItemChange | None:
        if not filled.values:
            return None
        target = self._target
        sources = {name: item.get(name) for name in target.backfill.reads if name not in target.keys}
        return ItemChange(
            key=key_of(item, target.keys),
            sets={name: {"S": value} for name, value in filled.values.items()},
            expected={**{name: item.get(name) for name in filled.values}, **sources},
        )


def record_time(sort_key: str) -> datetime | None:
    """The time at the end of a record's sort key, such as `HISTORY#<reportId>#<ISO time>`, or None if there is none to
    read. Without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(sort_key.rsplit("#", 1)[-1])
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
