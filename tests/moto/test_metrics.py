"""What CloudWatch says, read back from moto's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stack.aws import cloudwatch
from stack.monitoring.metrics import Metrics
from tests.conftest import EmulatedStack

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient


def put(client: CloudWatchClient, table: str, metric: str, value: float, index: str | None = None) -> None:
    """Puts a value of a minute ago."""
    dimensions = [{"Name": "TableName", "Value": table}]
    if index:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": index})
    client.put_metric_data(
        Namespace="AWS/DynamoDB",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": dimensions,  # type: ignore[typeddict-item]
                "Value": value,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
            }
        ],
    )


def test_consumption_and_throttles_are_read_by_table_and_index(moto_stack: EmulatedStack) -> None:
    config = replace(moto_stack.config, cloudwatch_endpoint=moto_stack.config.endpoint)
    client = cloudwatch(config)
    assert client is not None
    table = config.physical_name("reports")
    put(client, table, "ConsumedWriteCapacityUnits", 600)
    put(client, table, "ConsumedWriteCapacityUnits", 1500, "byOther")
    put(client, table, "WriteThrottleEvents", 3)
    put(client, table, "WriteThrottleEvents", 4, "byOther")
    metrics = Metrics(client, table)
    assert metrics.consumed("Write") == 2
    assert metrics.consumed("Write", index="byOther") == 5
    assert metrics.consumed("Read") == 0
    assert metrics.write_throttles([]) == 3
    assert metrics.write_throttles(["byOther"]) == 7
    assert Metrics(client, "another").write_throttles(["byOther"]) == 0


def test_an_emulator_without_cloudwatch_reads_as_quiet(moto_stack: EmulatedStack) -> None:
    assert cloudwatch(moto_stack.config) is None
    assert Metrics(None, "any").consumed("Write") == 0
