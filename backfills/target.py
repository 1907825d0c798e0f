"""What a backfill is applied to: one physical table, its keys, and what its index keys may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schema.backfill import Backfill, Filled, Item
from schema.model import AttributeType, Table

LONGEST_PARTITION_KEY = 2048
LONGEST_SORT_KEY = 1024
"""Bytes that DynamoDB allows a key of a table or an index; what is longer stays out of the index, silently."""


@dataclass(frozen=True)
class IndexKey:
    """An attribute that is a key of a new index: its type, and the most bytes that every such index allows it."""

    type: str
    longest: int

    def unfit(self, name: str, value: Mapping[str, object]) -> str | None:
        """Why this typed value can be no index key, or None."""
        if self.type not in value:
            return f"{name} is not a {_TYPE_NAMES[self.type]}"
        held = value[self.type]
        if self.type == AttributeType.NUMBER:
            return None
        content = held if isinstance(held, bytes) else str(held).encode()
        if not content:
            return f"{name} is an empty {_TYPE_NAMES[self.type]}"
        return f"{name} is longer than {self.longest} bytes" if len(content) > self.longest else None


_TYPE_NAMES = {"S": "string", "N": "number", "B": "binary"}


@dataclass(frozen=True)
class Target:
    """The physical `table`, the names of its `keys` (partition key first), and its backfill.

    `index_keys` are the key attributes of its new indexes; `partition_keys` is each new index's partition key.
    `item_count` and `size` (bytes) are AWS's figures, up to six hours old.
    """

    table: str
    keys: tuple[str, ...]
    backfill: Backfill
    index_keys: Mapping[str, IndexKey] = field(default_factory=dict)
    partition_keys: Mapping[str, str] = field(default_factory=dict)
    item_count: int = 0
    size: int = 0

    @property
    def item_size(self) -> float:
        """Mean bytes of an item; 1,024 (one write unit) where AWS has no figure yet."""
        return self.size / self.item_count if self.item_count and self.size else 1024.0

    def key_of(self, item: Item) -> dict[str, Mapping[str, object]]:
        """The item's key, typed."""
        return {name: item[name] for name in self.keys}

    def fitting(self, filled: Filled) -> Filled:
        """Without the values that could be no index key: those become reasons."""
        values: dict[str, str] = {}
        reasons = dict(filled.reasons)
        for name, value in filled.values.items():
            key = self.index_keys.get(name)
            unfit = key.unfit(name, {"S": value}) if key else None
            if unfit is None:
                values[name] = value
            else:
                reasons[name] = unfit
        return Filled(values, reasons)

    def unfit_keys(self, item: Item) -> list[str]:
        """Why attributes that the item has can not be index keys."""
        found = (key.unfit(name, item[name]) for name, key in self.index_keys.items() if name in item)
        return [reason for reason in found if reason is not None]


def target_of(table: Table, physical: str, item_count: int = 0, size: int = 0) -> Target:
    """The target that the schema's table is, with AWS's figures of it. The table has a backfill."""
    assert table.backfill is not None
    index_keys: dict[str, IndexKey] = {}
    partition_keys: dict[str, str] = {}
    for index in table.indexes:
        if index.existing:
            continue
        partition_keys[index.name] = index.partition_key.name
        for key in index.keys:
            longest = LONGEST_PARTITION_KEY if key is index.partition_key else LONGEST_SORT_KEY
            known = index_keys.get(key.name)
            index_keys[key.name] = IndexKey(key.type.value, min(longest, known.longest if known else longest))
    return Target(physical, table.key_names, table.backfill, index_keys, partition_keys, item_count, size)
