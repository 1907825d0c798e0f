"""The newest dated record of a partition, such as a person's `HISTORY#<reportId>#<ISO time>` items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def record_time(sort_key: str) -> datetime | None:
    """The time at the end of a record's sort key, or None if there is none to read. Without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(sort_key.rsplit("#", 1)[-1])
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def newest_date(
    client: DynamoDBClient, table: str, keys: tuple[str, ...], partition_key: Mapping[str, Any], prefix: str
) -> str | None:
    """The UTC date (YYYY-MM-DD) of the newest record by time, not by sort key order; None if there is no record.

    One paginated query of the sort keys alone, in the memory of one page; `table` is the physical name, `keys` are
    the names of its partition and sort key, `partition_key` is the partition key's typed value.
    """
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="#pk = :pk AND begins_with(#sk, :prefix)",
        ProjectionExpression="#sk",
        ExpressionAttributeNames={"#pk": keys[0], "#sk": keys[1]},
        ExpressionAttributeValues={":pk": partition_key, ":prefix": {"S": prefix}},
        ConsistentRead=True,
    )
    newest: date | None = None
    for page in pages:
        for item in page["Items"]:
            sort_key = item[keys[1]]["S"]
            time = record_time(sort_key) if "#" in sort_key.removeprefix(prefix) else None
            if time is not None and (newest is None or time.date() > newest):
                newest = time.date()
    return newest.isoformat() if newest else None
