"""Alarms as the program declares them, put into the local CloudWatch, and data for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schema.model import Schema
from stack.aws import cloudwatch
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.monitoring.alarms import Alarm, Metric, alarms
from stack.monitoring.metrics import NAMESPACE
from stack.world.live import Live
from tests.conftest import stack_on

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient


@dataclass
class Watched:
    """The alarms of one schema in the local CloudWatch, in a region of its own if it is given one."""

    config: StackConfig
    client: CloudWatchClient
    alarms: dict[str, Alarm]

    @staticmethod
    def make(
        endpoint: str, directory: Path, schema: Schema, live: Live | None = None, region: str = "us-east-1"
    ) -> Watched:
        """Puts every alarm of the whole schema, by its resource name."""
        return Watched.of(watched_config(endpoint, directory, region), schema, live)

    @staticmethod
    def of(config: StackConfig, schema: Schema, live: Live | None = None) -> Watched:
        """Puts them for a stack that there is."""
        declared = Declaration().with_tables(list(schema))
        found = {alarm.resource: alarm for alarm in alarms(schema, config, declared, live or {})}
        client = cloudwatch(config)
        assert client is not None
        for alarm in found.values():
            client.put_metric_alarm(**requested(alarm))
        return Watched(config, client, found)

    def put(self, metric: Metric, value: float, minutes_ago: float = 0) -> None:
        """Puts one value of a metric."""
        self.client.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": metric.name,
                    "Dimensions": dimensions(metric),
                    "Value": value,
                    "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes_ago),
                }
            ],
        )

    def firing(self) -> set[str]:
        """The resource names of the alarms that fire now."""
        names = {alarm.name: resource for resource, alarm in self.alarms.items()}
        pages = self.client.get_paginator("describe_alarms").paginate(AlarmNames=list(names))
        found = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm["AlarmName"] in names]
        assert len(found) == len(names)
        return {names[alarm["AlarmName"]] for alarm in found if alarm["StateValue"] == "ALARM"}


def watched_config(endpoint: str, directory: Path, region: str = "us-east-1") -> StackConfig:
    """A stack of its own that names a CloudWatch and an SNS."""
    config = stack_on(endpoint, directory).config
    return replace(config, region=region, cloudwatch_endpoint=endpoint, sns_endpoint=endpoint)


def dimensions(metric: Metric) -> Any:
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]


def requested(alarm: Alarm, actions: Iterable[str] = ()) -> Any:
    """What CloudWatch is asked for."""
    queries: list[Mapping[str, Any]] = [{"Id": "result", "Expression": alarm.expression, "ReturnData": True}]
    queries += [
        {
            "Id": id,
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric.name,
                    "Dimensions": dimensions(metric),
                },
                "Period": alarm.period,
                "Stat": metric.stat,
            },
            "ReturnData": False,
        }
        for id, metric in alarm.metrics.items()
    ]
    return {
        "AlarmName": alarm.name,
        "Metrics": queries,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "EvaluationPeriods": alarm.evaluation_periods,
        "TreatMissingData": "notBreaching",
        "AlarmActions": list(actions),
        "OKActions": list(actions),
    }
