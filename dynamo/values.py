"""Typed values, such as {"S": "published"}: when two of them are equal, and bytes as the SDK gives them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from boto3.dynamodb.types import Binary

Value = Mapping[str, Any]
"""A typed value such as {"S": "published"}."""


def comparable(value: Value) -> tuple[str, Any]:
    """The value in a form that is equal for equal values: numbers have many spellings, and sets have no order."""
    ((kind, held),) = value.items()
    if kind == "N":
        return kind, Decimal(held)
    if kind == "NS":
        return kind, frozenset(map(Decimal, held))
    if kind in {"SS", "BS"}:
        return kind, frozenset(held)
    if kind == "L":
        return kind, [comparable(part) for part in held]
    if kind == "M":
        return kind, {name: comparable(part) for name, part in held.items()}
    return kind, held


def same(one: Value, other: Value) -> bool:
    """Whether two typed values are equal to DynamoDB."""
    return comparable(one) == comparable(other)


def plain(value: Any) -> Any:
    """What the SDK deserialised, with its wrapper around bytes taken off."""
    return bytes(cast("Any", value)) if isinstance(value, Binary) else value
