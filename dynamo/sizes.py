"""How many bytes an item takes, by the rules that AWS documents for item sizes; and so what writing it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dynamo.units import WRITE_UNIT
from schema.backfill import Item
from schema.model import Index
from schema.parts import ProjectionType

_CONTAINER_BYTES, _ELEMENT_BYTES = 3, 1
"""A list or a map, empty or not; and each of its elements besides its own bytes."""


def item_size(item: Item) -> int:
    """Bytes of a typed item: names and values. A number takes about a byte for two digits, and one more."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(size: float) -> int:
    """Units of writing or deleting an item of so many bytes, of a table or of one index."""
    return max(1, math.ceil(size / WRITE_UNIT))


def indexed(item: Item, index: Index, table_keys: tuple[str, ...]) -> Item | None:
    """What the index keeps of an item; None where the item lacks a key of it."""
    keys = [key.name for key in index.keys]
    if any(name not in item for name in keys):
        return None
    if index.projection.type is ProjectionType.ALL:
        return item
    kept = {*keys, *table_keys, *index.projection.attributes}
    return {name: value for name, value in item.items() if name in kept}


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    if kind == "N":
        return _number_size(held)
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "L":
        return _CONTAINER_BYTES + sum(_ELEMENT_BYTES + _value_size(one) for one in held)
    if kind == "M":
        return _CONTAINER_BYTES + sum(
            _ELEMENT_BYTES + len(name.encode()) + _value_size(one) for name, one in held.items()
        )
    if kind == "NS":
        return sum(map(_number_size, held))
    parts = held if kind in {"SS", "BS"} else [held]
    return sum(len(part.encode() if isinstance(part, str) else bytes(part)) for part in parts)


def _number_size(number: str) -> int:
    digits = sum(letter.isdigit() for letter in number)
    return (digits + 1) // 2 + 1
