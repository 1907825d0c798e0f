"""One change of one item, as data, and its form in both of DynamoDB's languages: UpdateItem and PartiQL.

Nothing is ever spliced in but attribute and table names of our own schema; every value is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schema.backfill import Item

Value = Mapping[str, Any]
"""A typed value such as {"S": "published"}."""


@dataclass(frozen=True)
class Change:
    """Sets and removes attributes of the item with this key, if it exists and each attribute in `expected` holds that
    very value (None: is missing). Otherwise it does nothing at all."""

    key: Item
    sets: Mapping[str, Value] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    expected: Mapping[str, Value | None] = field(default_factory=dict)


def update_item(table: str, change: Change) -> dict[str, Any]:
    """The parameters of a conditional UpdateItem on the physical `table`."""
    placeholders: dict[str, str] = {}
    values: dict[str, Value] = {}

    def name(attribute: str) -> str:
        return placeholders.setdefault(attribute, f"#n{len(placeholders)}")

    def value(typed: Value) -> str:
        values[f":v{len(values)}"] = typed
        return f":v{len(values) - 1}"

    conditions = [f"attribute_exists({name(next(iter(change.key)))})"]
    for attribute, expected in change.expected.items():
        if expected is None:
            conditions.append(f"attribute_not_exists({name(attribute)})")
        else:
            conditions.append(f"{name(attribute)} = {value(expected)}")
    clauses: list[str] = []
    if change.sets:
        clauses.append("SET " + ", ".join(f"{name(item)} = {value(new)}" for item, new in change.sets.items()))
    if change.removes:
        clauses.append("REMOVE " + ", ".join(name(item) for item in change.removes))
    parameters: dict[str, Any] = {
        "TableName": table,
        "Key": dict(change.key),
        "UpdateExpression": " ".join(clauses),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {placeholder: attribute for attribute, placeholder in placeholders.items()},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ReturnConsumedCapacity": "TOTAL",
    }
    if values:
        parameters["ExpressionAttributeValues"] = values
    return parameters


def statement(table: str, change: Change) -> dict[str, Any]:
    """The change as one PartiQL statement of a batch. An UPDATE of an item that does not exist fails, as a failed
    condition does. Raises ValueError for a name that can not be quoted."""
    parameters: list[Value] = []
    words = [f"UPDATE {_quoted(table)}"]
    for attribute, new in change.sets.items():
        words.append(f"SET {_quoted(attribute)}=?")
        parameters.append(new)
    words += [f"REMOVE {_quoted(attribute)}" for attribute in change.removes]
    conditions: list[str] = []
    for attribute, expected in {**change.key, **change.expected}.items():
        if expected is None:
            conditions.append(f"{_quoted(attribute)} IS MISSING")
        else:
            conditions.append(f"{_quoted(attribute)}=?")
            parameters.append(expected)
    words.append("WHERE " + " AND ".join(conditions))
    return {
        "Statement": " ".join(words),
        "Parameters": parameters,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def has_statement(change: Change) -> bool:
    """Whether PartiQL compares all that the change expects as UpdateItem does: texts, numbers, binaries and booleans.
    What NULL, lists, maps and sets equal in PartiQL is not documented, so those changes go out by UpdateItem."""
    return all(value is None or set(value) <= {"S", "N", "B", "BOOL"} for value in change.expected.values())


def _quoted(name: str) -> str:
    if '"' in name:
        raise ValueError(f"a table or attribute name with a quotation mark can not be used: {name}")
    return f'"{name}"'
