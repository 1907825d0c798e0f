"""Finding the items that need work: a paginated scan of one segment, filtered by the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backfills.target import Target
from schema.backfill import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Key = Mapping[str, Any]
"""Where a scan goes on: the typed key after which the next page begins."""


@dataclass(frozen=True)
class Page:
    """One page of a scan: the items that may need work, how many were looked at to find them, the read units that
    were paid (None where the server does not say), and where the next page begins (None: the segment ends)."""

    items: list[Item]
    scanned: int
    units: float | None
    next: Key | None


@dataclass(frozen=True)
class Selection:
    """Which items a scan returns, and which attributes of them, in DynamoDB's expressions. Every name is a placeholder:
    `status` and `timestamp` are reserved words."""

    condition: str
    names: Mapping[str, str]
    values: Mapping[str, Any]

    def parameters(self) -> dict[str, Any]:
        """The parameters of a Scan."""
        found: dict[str, Any] = {
            "ProjectionExpression": ", ".join(self.names),
            "ExpressionAttributeNames": dict(self.names),
        }
        if self.condition:
            found["FilterExpression"] = self.condition
        if self.values:
            found["ExpressionAttributeValues"] = dict(self.values)
        return found


def read_page(
    client: DynamoDBClient,
    target: Target,
    selection: Selection,
    segment: int,
    total_segments: int,
    start: Key | None = None,
    limit: int | None = None,
) -> Page:
    """One page of one segment, of at most `limit` looked-at items (else as many as fit 1 MB). Raises ClientError.

    Eventually consistent, so half the price: what a page misses, the next pass finds.
    """
    parameters: dict[str, Any] = selection.parameters()
    if start is not None:
        parameters["ExclusiveStartKey"] = dict(start)
    if limit is not None:
        parameters["Limit"] = limit
    answer = client.scan(
        TableName=target.table,
        Segment=segment,
        TotalSegments=total_segments,
        ReturnConsumedCapacity="TOTAL",
        **parameters,
    )
    units = answer.get("ConsumedCapacity", {}).get("CapacityUnits")
    return Page(list(answer["Items"]), answer["ScannedCount"], units, answer.get("LastEvaluatedKey"))


def needing_work(target: Target) -> Selection:
    """Items in scope that lack an attribute of the backfill, or hold in an index key what may not fit there."""
    backfill = target.backfill
    names, values = _keys(target), {}
    conditions: list[str] = []
    for number, attribute in enumerate(dict.fromkeys((*backfill.attributes, *target.index_keys))):
        name = f"#a{number}"
        names[name] = attribute
        missing = f"attribute_not_exists({name})"
        unfit: list[str] = []
        key = target.index_keys.get(attribute)
        if key is not None:
            values[f":t{key.type}"] = {"S": key.type}
            unfit.append(f"NOT attribute_type({name}, :t{key.type})")
            if key.type != "N":
                # `size` counts the characters of a string, each up to four bytes; what it lets by too much is looked
                # at here.
                surely_fits = key.longest // 4 if key.type == "S" else key.longest
                values |= {":shortest": {"N": "1"}, f":l{surely_fits}": {"N": str(surely_fits)}}
                unfit.append(f"NOT size({name}) BETWEEN :shortest AND :l{surely_fits}")
        if attribute in backfill.attributes:
            conditions += [missing, *unfit]
        elif unfit:
            conditions.append(f"(attribute_exists({name}) AND ({' OR '.join(unfit)}))")
    return _selection(target, names, values, " OR ".join(conditions))


def filled(target: Target) -> Selection:
    """Items in scope that have any attribute of the backfill: those whose value may have gone stale."""
    names = _keys(target)
    for number, attribute in enumerate(target.backfill.attributes):
        names[f"#a{number}"] = attribute
    condition = " OR ".join(f"attribute_exists({name})" for name in names if name.startswith("#a"))
    return _selection(target, names, {}, condition)


def every_value(target: Target) -> Selection:
    """All items in scope, with the attributes that the backfill adds and reads."""
    names = _keys(target)
    for number, attribute in enumerate(dict.fromkeys((*target.backfill.attributes, *target.index_keys))):
        names[f"#a{number}"] = attribute
    return _selection(target, names, {}, "")


def _keys(target: Target) -> dict[str, str]:
    return {f"#k{number}": key for number, key in enumerate(target.keys)}


def _selection(target: Target, names: dict[str, str], values: Mapping[str, Any], condition: str) -> Selection:
    backfill = target.backfill
    names |= _reads(backfill.reads, names.values())
    if backfill.sort_key is None:
        return Selection(condition, names, values)
    scope = "#k1 = :scope"
    condition = f"{scope} AND ({condition})" if condition else scope
    return Selection(condition, names, {**values, ":scope": {"S": backfill.sort_key}})


def _reads(reads: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    already = set(known)
    return {f"#r{number}": name for number, name in enumerate(reads) if name not in already}
