"""Finding the items that need work: a parallel, paginated scan that the server filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backfills.model import LONGEST_KEY, Backfill, Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Page:
    """One page of a scan: the items that may need work, and how many were looked at to find them."""

    items: list[Item]
    scanned: int


def scan_segment(
    client: DynamoDBClient,
    table: str,
    keys: tuple[str, ...],
    backfill: Backfill,
    segment: int,
    total_segments: int,
) -> Iterator[Page]:
    """Pages of one segment of the physical `table`, whose keys are `keys`, with only what the backfill needs.

    Eventually consistent, so half the price: what a page misses, the next pass finds. Raises ClientError.
    """
    pages = client.get_paginator("scan").paginate(
        TableName=table, Segment=segment, TotalSegments=total_segments, **scan_parameters(backfill, keys)
    )
    for page in pages:
        yield Page(items=list(page["Items"]), scanned=page["ScannedCount"])


def scan_parameters(backfill: Backfill, keys: tuple[str, ...]) -> dict[str, Any]:
    """The filter and the projection of a backfill's scan. Every name is a placeholder: `status` and `timestamp`
    are reserved words."""
    names = {f"#k{number}": key for number, key in enumerate(keys)}
    values: dict[str, Any] = {":string": {"S": "S"}, ":empty": {"S": ""}, ":longest": {"N": str(LONGEST_KEY)}}
    unfit: list[str] = []
    for number, attribute in enumerate(backfill.attributes):
        name = f"#a{number}"
        names[name] = attribute
        # An index leaves out an item whose key is missing, of another type, empty or too long.
        unfit.append(f"attribute_not_exists({name}) OR NOT attribute_type({name}, :string)")
        unfit.append(f"{name} = :empty OR size({name}) > :longest")
    for number, attribute in enumerate(backfill.reads):
        names[f"#r{number}"] = attribute
    condition = " OR ".join(unfit)
    if backfill.sort_key is not None:
        condition = f"#k1 = :scope AND ({condition})"
        values[":scope"] = {"S": backfill.sort_key}
    return {
        "FilterExpression": condition,
        "ProjectionExpression": ", ".join(names),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
