"""moto's reads of a table, made quick: the answers are the same, and a query costs a tenth of the time.

moto sorts every item of a table for each read, comparing them in Python, even for a query of one partition. It also
keeps a note of every item that it copied for an answer, for as long as it runs. Here a query of a table sees its
partition alone, items are sorted by plain values, and copies are forgotten. A backfill that asks for the newest record
of each partition gains most.
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_moto_query: Any = Table.query
_moto_all_items: Any = Table.all_items


def install() -> None:
    """Makes moto's tables in this process read this way. A second call changes nothing."""
    table: Any = Table
    item: Any = Item
    table.all_items = all_items
    table.query = query
    item.__new__ = _untracked


def all_items(table: Any) -> list[Any]:
    """Every item, in the order of its keys."""
    # Other threads may be writing: `sorted` takes a copy of the values at once.
    if not table.range_key_attr:
        return sorted(table.items.values(), key=lambda item: item.hash_key.cast_value)
    items: list[Any] = []
    for _, partition in sorted(table.items.items(), key=lambda entry: entry[0].cast_value):
        items += sorted(partition.values(), key=lambda item: item.range_key.cast_value)
    return items


def query(
    table: Any,
    hash_key: Any,
    range_comparison: Any,
    range_objs: Any,
    limit: Any,
    exclusive_start_key: Any,
    scan_index_forward: Any,
    projection_expressions: Any,
    index_name: str | None = None,
    *more: Any,
    **named: Any,
) -> Any:
    """moto's own query, shown one partition where no index is named."""
    seen = table
    if index_name is None and hash_key is not None:
        # Not copy.copy: moto would keep a note of this copy as well.
        seen = object.__new__(type(table))
        vars(seen).update(vars(table))
        seen.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
    return _moto_query(
        seen,
        hash_key,
        range_comparison,
        range_objs,
        limit,
        exclusive_start_key,
        scan_index_forward,
        projection_expressions,
        index_name,
        *more,
        **named,
    )


def _untracked(kind: type[Item], *_arguments: Any, **_named: Any) -> Any:
    """A new item that moto keeps no note of."""
    return object.__new__(kind)
