"""What CloudWatch says of a table and its indexes. Metrics exist only while they are not zero."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from schema.clock import at_present

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import (
        MetricDataQueryTypeDef,
        MetricStatTypeDef,
        MetricTypeDef,
    )

NAMESPACE = "AWS/DynamoDB"
PERIOD_SECONDS = 60
"""DynamoDB puts its metrics out once a minute."""
OPERATIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
)
"""The operations of applications, as CloudWatch names them: ten, as many metrics as one alarm may read."""


class Metrics:
    """The metrics of one physical table. Without a client (an emulator has none) everything reads as zero."""

    def __init__(self, client: CloudWatchClient | None, table: str) -> None:
        self._client = client
        self._table = table

    def consumed(self, kind: str, minutes: int = 5, index: str | None = None) -> float:
        """Units a second that the table, or its index, consumed of late; `kind` is `Read` or `Write`."""
        return self._sum(f"Consumed{kind}CapacityUnits", [index], minutes) / (minutes * 60)

    def write_throttles(self, indexes: Iterable[str], minutes: int = 2) -> float:
        """How many writes to the table and these indexes were throttled of late."""
        return self._sum("WriteThrottleEvents", [None, *indexes], minutes)

    def disturbances(self, indexes: Iterable[str], minutes: int) -> dict[str, float]:
        """What went wrong of late on the table and these indexes, by what it was; only what did."""
        everywhere = [None, *indexes]
        found = {
            "throttled reads": self._sum("ReadThrottleEvents", everywhere, minutes),
            "throttled writes": self._sum("WriteThrottleEvents", everywhere, minutes),
            "system errors": self._total(
                [self._query(f"e{n}", "SystemErrors", Operation=name) for n, name in enumerate(OPERATIONS)],
                at_present() - timedelta(minutes=minutes),
            ),
        }
        return {what: count for what, count in found.items() if count}

    def reads_by_minute(self, index: str, since: datetime) -> dict[datetime, float]:
        """The read units that the index consumed, by the start of the minute; minutes without any are left out."""
        query = self._query("m", "ConsumedReadCapacityUnits", GlobalSecondaryIndexName=index)
        return self._by_minute([query], since.replace(second=0, microsecond=0)).get("m", {})

    def written_since(self, since: datetime) -> float:
        """The write units that the table consumed from the first whole minute after `since`."""
        start = since.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return self._total([self._query("m", "ConsumedWriteCapacityUnits")], start)

    def of_build(self, index: str, minutes: int = 5) -> dict[str, float]:
        """The newest readings of an index that AWS builds, by the metric's name; those that it has not put out are left
        out."""
        names = ("OnlineIndexPercentageProgress", "OnlineIndexThrottleEvents", "OnlineIndexConsumedWriteCapacity")
        queries = [
            self._query(f"m{n}", name, "Maximum", GlobalSecondaryIndexName=index) for n, name in enumerate(names)
        ]
        found = self._by_minute(queries, at_present() - timedelta(minutes=minutes))
        return {name: values[max(values)] for n, name in enumerate(names) if (values := found.get(f"m{n}"))}

    def _sum(self, metric: str, indexes: Iterable[str | None], minutes: int) -> float:
        queries = [
            self._query(f"m{number}", metric, **({"GlobalSecondaryIndexName": index} if index else {}))
            for number, index in enumerate(indexes)
        ]
        return self._total(queries, at_present() - timedelta(minutes=minutes))

    def _total(self, queries: list[MetricDataQueryTypeDef], since: datetime) -> float:
        return sum(sum(values.values()) for values in self._by_minute(queries, since).values())

    def _by_minute(self, queries: list[MetricDataQueryTypeDef], since: datetime) -> dict[str, dict[datetime, float]]:
        """The values of each query by time."""
        found: dict[str, dict[datetime, float]] = {}
        now = at_present()
        if self._client is None or since >= now - timedelta(seconds=1):
            return found
        # The end is exclusive, and of whole seconds.
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=now + timedelta(seconds=1)
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                times = (time.astimezone(UTC) for time in result["Timestamps"])
                found.setdefault(result["Id"], {}).update(zip(times, result["Values"], strict=True))
        return found

    def _query(self, id: str, metric: str, stat: str = "Sum", **dimensions: str) -> MetricDataQueryTypeDef:
        named: MetricTypeDef = {
            "Namespace": NAMESPACE,
            "MetricName": metric,
            "Dimensions": [
                {"Name": name, "Value": value} for name, value in {"TableName": self._table, **dimensions}.items()
            ],
        }
        statistic: MetricStatTypeDef = {"Metric": named, "Period": PERIOD_SECONDS, "Stat": stat}
        return {"Id": id, "MetricStat": statistic}
