"""The rules of keys: what a key may hold, and how keys sort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schema.backfill import Item
from schema.model import Index
from schema.parts import Attribute, AttributeType

LONGEST_PARTITION_KEY = 2048
"""Bytes that DynamoDB allows the partition key of a table or an index."""
LONGEST_SORT_KEY = 1024
"""Bytes that DynamoDB allows a sort key. A longer value keeps an item out of an index, and nothing says so."""

Place = bytes | Decimal
"""A key value in a form that sorts as DynamoDB sorts it."""
_TYPE_NAMES = {"S": "string", "N": "number", "B": "binary"}


@dataclass(frozen=True)
class IndexKey:
    """An attribute that is a key of one or more indexes: its type, and the most bytes that all of them allow it."""

    name: str
    type: AttributeType
    longest: int

    def violation(self, value: Mapping[str, Any]) -> str | None:
        """Why this typed value cannot be an index key, or None."""
        if self.type not in value:
            return f"{self.name} is not a {_TYPE_NAMES[self.type]}"
        held = value[self.type]
        if self.type is AttributeType.NUMBER:
            return None
        content = held if isinstance(held, bytes) else str(held).encode()
        if not content:
            return f"{self.name} is an empty {_TYPE_NAMES[self.type]}"
        return f"{self.name} is longer than {self.longest} bytes" if len(content) > self.longest else None


def index_keys(indexes: Iterable[Index]) -> dict[str, IndexKey]:
    """The key attributes of these indexes by name."""
    found: dict[str, IndexKey] = {}
    for index in indexes:
        for key, longest in zip(index.keys, (LONGEST_PARTITION_KEY, LONGEST_SORT_KEY), strict=False):
            known = found.get(key.name)
            found[key.name] = IndexKey(key.name, key.type, min(longest, known.longest if known else longest))
    return found


def key_of(item: Item, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The item's key, typed; `names` are the key attributes of its table."""
    return {name: item[name] for name in names}


def prefix_of(key: Attribute, prefix: str) -> dict[str, Any]:
    """The typed value with which sort keys begin that begin with `prefix`."""
    return {key.type.value: prefix.encode() if key.type is AttributeType.BINARY else prefix}


def place_of(value: Mapping[str, Any]) -> Place:
    """Where DynamoDB sorts a typed key value: text by its UTF-8 bytes, numbers exactly, binaries by unsigned bytes."""
    ((kind, held),) = value.items()
    if kind == "N":
        return Decimal(held)
    return held.encode() if isinstance(held, str) else bytes(held)
