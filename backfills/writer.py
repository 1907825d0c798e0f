"""Writing the missing attributes of one item, so that nothing that the application wrote is ever lost.

scan reads the item ─── the application may write here ─── our write
                                                             │ only if: the item still exists,
                                                             │ each attribute we set is still missing,
                                                             │ each attribute we read is still what we read
                                                             └ else: compute again from the item as it now is
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backfills.model import Backfill, Filled, Item
from stack.aws import error_code

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAXIMUM_RACES = 20
"""How often one item is computed again before we leave it to the next pass."""


class Outcome(StrEnum):
    """What became of one item."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted meanwhile"
    BUSY = "left to the next pass"
    TOO_LARGE = "would grow past 400 KB"


@dataclass(frozen=True)
class Written:
    """The outcome for one item, how often the application was faster, and why attributes got no value."""

    outcome: Outcome
    races: int = 0
    reasons: tuple[str, ...] = ()


def write_item(
    client: DynamoDBClient,
    table: str,
    keys: tuple[str, ...],
    backfill: Backfill,
    item: Item,
    compute: Callable[[Item], Filled],
) -> Written:
    """Sets what `compute` gives for the item, attribute by attribute only where still missing. Raises ClientError.

    `table` is the physical name, `keys` are the names of its keys.
    """
    key: Any = {name: item[name] for name in keys}
    for races in range(MAXIMUM_RACES):
        filled = compute(item)
        reasons = tuple(Counter(filled.reasons.values()))
        if not filled.values:
            return Written(Outcome.UNCHANGED, races, reasons)
        try:
            client.update_item(
                TableName=table,
                Key=key,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_conditional_update(keys, backfill, item, filled),
            )
            return Written(Outcome.CHANGED, races, reasons)
        except ClientError as error:
            # AWS has no code of its own for this one: only the message tells it from a mistake of ours.
            if error_code(error) == "ValidationException" and "Item size" in str(error):
                return Written(Outcome.TOO_LARGE, races, (*reasons, Outcome.TOO_LARGE))
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            found: Any = error.response.get("Item")
            if not found:
                return Written(Outcome.DELETED, races + 1)
            item = found
    return Written(Outcome.BUSY, MAXIMUM_RACES)


def _conditional_update(keys: tuple[str, ...], backfill: Backfill, item: Item, filled: Filled) -> dict[str, Any]:
    names = {"#pk": keys[0]}
    values: dict[str, Any] = {}
    assignments: list[str] = []
    conditions = ["attribute_exists(#pk)"]
    for number, (attribute, value) in enumerate(filled.values.items()):
        names[f"#a{number}"] = attribute
        values[f":a{number}"] = {"S": value}
        assignments.append(f"#a{number} = :a{number}")
        conditions.append(f"attribute_not_exists(#a{number})")
    for number, attribute in enumerate(backfill.reads):
        names[f"#r{number}"] = attribute
        if attribute in item:
            values[f":r{number}"] = item[attribute]
            conditions.append(f"#r{number} = :r{number}")
        else:
            conditions.append(f"attribute_not_exists(#r{number})")
    return {
        "UpdateExpression": "SET " + ", ".join(assignments),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
