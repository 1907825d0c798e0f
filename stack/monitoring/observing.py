"""What a watch reads of CloudWatch: throttles, errors and latency of all tables and indexes, by the minute.

CloudWatch takes $0.01 for each 1,000 metrics that GetMetricData is asked for (us-east-1). So a look asks for what is
zero on a good day, and for the causes of throttles only once there are some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schema.model import Schema
from schema.references import Subject
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.monitoring.alarms import Dimensions, Metric, monitored
from stack.monitoring.metrics import NAMESPACE, OPERATIONS, PERIOD_SECONDS

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

MOST_QUERIES = 500
"""Metrics that one GetMetricData may ask for (AWS)."""
DOLLARS_A_METRIC = 0.01 / 1000
"""For one metric of GetMetricData, and for one request of another kind (us-east-1)."""
LATENCY_LIMIT_MS = 100.0
"""How long a read may take (R8.7), in milliseconds."""
READS, WRITES = "throttled reads", "throttled writes"
SYSTEM_ERRORS, USER_ERRORS, LATENCY = "system errors", "user errors", "latency"
CAUSES = {
    "ProvisionedThroughput": "its provisioned capacity",
    "MaxOnDemandThroughput": "its on-demand maximum",
    "KeyRangeThroughput": "one partition",
    "AccountLimit": "the account's limit",
}
"""What throttles, by the part of the metric's name that says so (DynamoDB's list of metrics)."""


@dataclass(frozen=True)
class Series:
    """One metric that is read: `what` it counts, of which `subject` (a table, an index, or None for the account), of
    which `operation`, and because of which `cause`, where it tells these."""

    what: str
    subject: Subject | None
    metric: Metric
    operation: str = ""
    cause: str = ""


@dataclass(frozen=True)
class Observed:
    """What was read: the values of each series by the start of the minute, without minutes that have none; and the
    series that CloudWatch did not give in full."""

    values: Mapping[Series, Mapping[datetime, float]]
    unread: tuple[Series, ...] = ()


def watched_series(schema: Schema, config: StackConfig, declaration: Declaration) -> tuple[Series, ...]:
    """What is read in each look: 2 metrics for a table and for each of its declared indexes, 20 more for a table, one
    for the account."""
    return (
        Series(USER_ERRORS, None, Metric("UserErrors", (), "Sum")),
        *(one for table in schema if table.name in declaration.tables for one in _of_table(table.name, config)),
        *(
            throttles
            for table in schema
            if table.name in declaration.tables
            for subject, dimensions in monitored(table, config, declaration)
            for throttles in _throttles(subject, dimensions)
        ),
    )


def causes_of(throttles: Series) -> tuple[Series, ...]:
    """The four metrics that tell why reads or writes were throttled."""
    kind = "Read" if throttles.what == READS else "Write"
    return tuple(
        Series(
            throttles.what,
            throttles.subject,
            Metric(f"{kind}{name}ThrottleEvents", throttles.metric.dimensions, "Sum"),
            cause=cause,
        )
        for name, cause in CAUSES.items()
    )


def observe(client: CloudWatchClient, series: Sequence[Series], since: datetime, until: datetime) -> Observed:
    """Reads them from the minute of `since` on. Raises ClientError, BotoCoreError."""
    values: dict[Series, dict[datetime, float]] = {one: {} for one in series}
    complete: dict[Series, bool] = dict.fromkeys(series, False)
    for first in range(0, len(series), MOST_QUERIES):
        part = {f"m{number}": one for number, one in enumerate(series[first : first + MOST_QUERIES])}
        queries: Any = [_query(id, one.metric) for id, one in part.items()]
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since.replace(second=0, microsecond=0), EndTime=until
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                one = part[result["Id"]]
                times = (time.astimezone(UTC) for time in result["Timestamps"])
                values[one].update(zip(times, result["Values"], strict=True))
                # PartialData is followed by the rest.
                complete[one] = result.get("StatusCode") == "Complete"
    return Observed(values, tuple(one for one in series if not complete[one]))


def dollars_an_hour(metrics: int, alarms: int) -> float:
    """What looks of a minute apart cost: so many metrics, and the states of so many alarms, a hundred a request."""
    return 60 * (metrics + -(-alarms // 100)) * DOLLARS_A_METRIC


def _of_table(name: str, config: StackConfig) -> Iterator[Series]:
    """Errors and latency are told of a table and an operation, not of an index."""
    of = ("TableName", config.physical_name(name))
    for operation in OPERATIONS:
        dimensions = (of, ("Operation", operation))
        yield Series(SYSTEM_ERRORS, name, Metric("SystemErrors", dimensions, "Sum"), operation)
        yield Series(LATENCY, name, Metric("SuccessfulRequestLatency", dimensions, "Average"), operation)


def _throttles(subject: Subject, dimensions: Dimensions) -> Iterator[Series]:
    yield Series(READS, subject, Metric("ReadThrottleEvents", dimensions, "Sum"))
    yield Series(WRITES, subject, Metric("WriteThrottleEvents", dimensions, "Sum"))


def _query(id: str, metric: Metric) -> Mapping[str, object]:
    named = {
        "Namespace": NAMESPACE,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }
    return {"Id": id, "MetricStat": {"Metric": named, "Period": PERIOD_SECONDS, "Stat": metric.stat}}
