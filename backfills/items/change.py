"""One change of one item, as data, and its form in both of DynamoDB's languages: UpdateItem and PartiQL.

Nothing but table and attribute names of our own schema becomes part of a text; every value is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynamo.expressions import Expressions
from dynamo.values import Value
from schema.backfill import Item


@dataclass(frozen=True)
class ItemChange:
    """Sets and removes attributes of the item with this key, if it exists and each attribute in `expected` holds that
    very value (None: is missing). Otherwise it does nothing at all."""

    key: Item
    sets: Mapping[str, Value] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    expected: Mapping[str, Value | None] = field(default_factory=dict)

    def is_made(self, found: Item) -> bool:
        """Whether the item is as this change leaves it."""
        held = all(found.get(name) == value for name, value in self.sets.items())
        return held and not any(name in found for name in self.removes)

    def narrowed(self, found: Item) -> ItemChange | None:
        """The part of this change whose expected values the item still holds, or None."""
        still = {name: value for name, value in self.expected.items() if found.get(name) == value}
        if not still:
            return None
        return ItemChange(
            key=self.key,
            sets={name: value for name, value in self.sets.items() if name in still},
            removes=tuple(name for name in self.removes if name in still),
            expected=still,
        )


def update_item(table: str, change: ItemChange) -> dict[str, Any]:
    """The parameters of a conditional UpdateItem on the physical `table`."""
    terms = Expressions()
    conditions = [terms.exists(next(iter(change.key)))]
    for name, expected in change.expected.items():
        conditions.append(terms.lacks(name) if expected is None else terms.equals(name, expected))
    clauses: list[str] = []
    if change.sets:
        clauses.append("SET " + ", ".join(terms.equals(name, value) for name, value in change.sets.items()))
    if change.removes:
        clauses.append("REMOVE " + ", ".join(terms.name(name) for name in change.removes))
    return {
        "TableName": table,
        "Key": dict(change.key),
        "UpdateExpression": " ".join(clauses),
        "ConditionExpression": " AND ".join(conditions),
        **terms.parameters(),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ReturnConsumedCapacity": "TOTAL",
    }


def statement(table: str, change: ItemChange) -> dict[str, Any]:
    """The change as one PartiQL statement of a batch. An UPDATE of an item that does not exist fails, as a failed
    condition does. Raises ValueError for a name that cannot be quoted."""
    sets = [f"SET {_quoted(name)}=?" for name in change.sets]
    removes = [f"REMOVE {_quoted(name)}" for name in change.removes]
    expected = {**change.key, **change.expected}
    conditions = [_quoted(name) + (" IS MISSING" if value is None else "=?") for name, value in expected.items()]
    return {
        "Statement": " ".join([f"UPDATE {_quoted(table)}", *sets, *removes, "WHERE", " AND ".join(conditions)]),
        "Parameters": [*change.sets.values(), *(value for value in expected.values() if value is not None)],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def has_statement(change: ItemChange) -> bool:
    """Whether PartiQL compares all that the change expects as UpdateItem does: texts, numbers, binaries and booleans.
    What NULL, lists, maps and sets equal in PartiQL is not documented, so those changes go out by UpdateItem."""
    return all(value is None or set(value) <= {"S", "N", "B", "BOOL"} for value in change.expected.values())


def _quoted(name: str) -> str:
    if '"' in name:
        raise ValueError(f"a table or attribute name with a quotation mark cannot be used: {name}")
    return f'"{name}"'
