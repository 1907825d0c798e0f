"""What CloudWatch says of a table's and its indexes' writes. Metrics exist only while they are not zero."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import (
        DimensionTypeDef,
        MetricDataQueryTypeDef,
        MetricStatTypeDef,
        MetricTypeDef,
    )

NAMESPACE = "AWS/DynamoDB"
PERIOD_SECONDS = 60
"""DynamoDB puts its metrics out once a minute."""


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

    def _sum(self, metric: str, indexes: Iterable[str | None], minutes: int) -> float:
        if self._client is None:
            return 0.0
        queries = [self._query(f"m{number}", metric, index) for number, index in enumerate(indexes)]
        now = datetime.now(UTC)
        answer = self._client.get_metric_data(
            MetricDataQueries=queries, StartTime=now - timedelta(minutes=minutes), EndTime=now
        )
        return sum(sum(result["Values"]) for result in answer["MetricDataResults"])

    def _query(self, id: str, metric: str, index: str | None) -> MetricDataQueryTypeDef:
        dimensions: list[DimensionTypeDef] = [{"Name": "TableName", "Value": self._table}]
        if index is not None:
            dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": index})
        named: MetricTypeDef = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
        statistic: MetricStatTypeDef = {"Metric": named, "Period": PERIOD_SECONDS, "Stat": "Sum"}
        return {"Id": id, "MetricStat": statistic}
