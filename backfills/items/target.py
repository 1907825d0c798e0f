"""What a backfill is applied to: one live table, its keys, what its new indexes' keys may hold, and which of its items
are read. The server filters them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dynamo.expressions import Expressions
from dynamo.keys import IndexKey, index_keys
from dynamo.units import mean_item_size
from schema.backfill import Backfill, Filled, Item
from schema.model import Table


@dataclass(frozen=True)
class Target:
    """The table called `name` in the schema and `table` in AWS, whose id there is `id`, with the names of its `keys`
    (partition key first) and its backfill.

    `index_keys` are the key attributes of its new indexes; `partition_keys` is each new index's partition key.
    `item_count` and `size` (bytes) are AWS's figures, up to six hours old.
    """

    name: str
    table: str
    id: str
    keys: tuple[str, ...]
    backfill: Backfill
    index_keys: Mapping[str, IndexKey] = field(default_factory=dict)
    partition_keys: Mapping[str, str] = field(default_factory=dict)
    item_count: int = 0
    size: int = 0

    @property
    def item_size(self) -> float:
        """Mean bytes of an item; one write unit where AWS has no figure yet."""
        return mean_item_size(self.size, self.item_count)

    def fitting(self, filled: Filled) -> Filled:
        """Without the values that cannot be index keys: those become reasons."""
        values: dict[str, str] = {}
        reasons = dict(filled.reasons)
        for name, value in filled.values.items():
            key = self.index_keys.get(name)
            violation = key.violation({"S": value}) if key else None
            if violation is None:
                values[name] = value
            else:
                reasons[name] = violation
        return Filled(values, reasons)

    def violations(self, item: Item) -> list[str]:
        """Why attributes that the item has cannot be index keys."""
        found = (key.violation(item[name]) for name, key in self.index_keys.items() if name in item)
        return [reason for reason in found if reason is not None]


def target_of(table: Table, physical: str, id: str = "", item_count: int = 0, size: int = 0) -> Target:
    """The target that the schema's table is, with AWS's id and figures of it. The table has a backfill."""
    assert table.backfill is not None, f"{table.name} has no backfill"
    new = [index for index in table.indexes if not index.existing]
    partition_keys = {index.name: index.partition_key.name for index in new}
    keys = table.key_names
    figures = (index_keys(new), partition_keys, item_count, size)
    return Target(table.name, physical, id, keys, table.backfill, *figures)


def needing_work(target: Target) -> Expressions:
    """Items in scope that lack an attribute of the backfill, or hold in an index key what may not fit there."""
    wanted = every_value(target)
    conditions = [wanted.lacks(attribute) for attribute in target.backfill.attributes]
    conditions += [f"({wanted.exists(name)} AND NOT ({wanted.fits(key)}))" for name, key in target.index_keys.items()]
    return _any_of(conditions, wanted)


def filled(target: Target) -> Expressions:
    """Items in scope that have any attribute of the backfill: those whose value may have gone stale."""
    wanted = _in_scope(target, target.backfill.attributes)
    return _any_of([wanted.exists(attribute) for attribute in target.backfill.attributes], wanted)


def every_value(target: Target) -> Expressions:
    """All items in scope, with the attributes that the backfill adds and reads, and the new indexes' keys."""
    return _in_scope(target, (*target.backfill.attributes, *target.index_keys))


def _in_scope(target: Target, attributes: Iterable[str]) -> Expressions:
    backfill = target.backfill
    wanted = Expressions((*target.keys, *attributes, *backfill.reads))
    if backfill.sort_key is not None:
        wanted.filter = wanted.equals(target.keys[1], {"S": backfill.sort_key})
    return wanted


def _any_of(conditions: list[str], wanted: Expressions) -> Expressions:
    condition = " OR ".join(conditions)
    wanted.filter = f"{wanted.filter} AND ({condition})" if wanted.filter else condition
    return wanted
