"""The alarms of a stack: which there are, on which of the metrics that DynamoDB really emits, and when they fire. Also
what CloudWatch says of them, and of all else that the gates need to know.

Each alarm is metric math, for two reasons. `SystemErrors` exists for each operation only, and throttled reads and
writes are two metrics. And DynamoDB's metrics exist only while they are not zero, but an alarm on AWS/DynamoDB ignores
missing data, whatever its TreatMissingData says (API reference of PutMetricAlarm): without FILL, an alarm that has
fired once would fire for ever.

CloudWatch takes $0.10 a month for each metric that an alarm reads (us-east-1): $1.60 for a provisioned table, $0.60 for
each of its indexes, $1.20 and $0.20 on demand, and $0.10 for the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from schema.clock import at_present
from schema.model import Schema, Table
from schema.parts import BillingMode
from schema.references import IndexRef, Subject
from stack.aws import translated_errors
from stack.declaration import Declaration, present
from stack.file.config import StackConfig
from stack.monitoring.metrics import OPERATIONS, Metrics
from stack.monitoring.subscriptions import subscriptions
from stack.world.live import Live
from stack.world.world import MISSING, AlarmState, Readings, World, live_refs

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

PERIOD_SECONDS = 300
"""The finest grain in which DynamoDB tells all that the alarms read: provisioned capacity comes every five minutes."""
THROTTLES = 10
"""Throttled events in a period that a client's retries are left to deal with (R0.6)."""
CAPACITY_PERCENT = 80
"""Share of the provisioned capacity that leaves no room for a peak (R0.6)."""
USER_ERRORS = 100
"""Refused requests of the whole account in a period that are more than somebody's trying out: one every three seconds.
Failed conditions and throttled requests are not among them."""
TOPIC = "topic"
DASHBOARD = "dashboard"
Dimensions = tuple[tuple[str, str], ...]
CLEAN_MINUTES = 60
"""Minutes that have to be without disturbances before an index goes."""
MOST_NAMES = 100
"""Alarms that one request may name (AWS)."""


@dataclass(frozen=True)
class Metric:
    """A metric of AWS/DynamoDB: its name, its dimensions (name and value), and the statistic that is read of it."""

    name: str
    dimensions: Dimensions
    stat: str


@dataclass(frozen=True)
class Alarm:
    """One alarm: `expression` over its `metrics` (by the id that stands for each in it), compared with `threshold` over
    `evaluation_periods` of `period` seconds.

    `name` is its name in AWS, `resource` that in the Pulumi program; `subject` is a table of the schema, an index, or
    None for the account.
    """

    name: str
    subject: Subject | None
    description: str
    metrics: Mapping[str, Metric]
    expression: str
    period: int
    evaluation_periods: int
    threshold: float
    comparison: str
    resource: str


def alarms(schema: Schema, config: StackConfig, declaration: Declaration, live: Live) -> list[Alarm]:
    """The alarms of all tables and indexes that `declaration` names. What is provisioned is told by the live table, or
    before there is one by the schema."""
    found = [_user_errors(config)]
    for table in schema:
        if table.name not in declaration.tables:
            continue
        provisioned = is_provisioned(table, live)
        found.append(_system_errors(config, table))
        for subject, dimensions in monitored(table, config, declaration):
            found.append(_throttling(config, subject, dimensions))
            if provisioned:
                found.append(_capacity(config, subject, dimensions))
    return found


def expected_monitors(schema: Schema, config: StackConfig, declaration: Declaration, live: Live) -> frozenset[str]:
    """The Pulumi resource names of all monitors: topic, subscriptions, dashboard, alarms. Empty where the stack has no
    CloudWatch."""
    if not config.is_monitored:
        return frozenset()
    names = {alarm.resource for alarm in alarms(schema, config, declaration, live)}
    return frozenset({TOPIC, DASHBOARD, *(each.resource for each in subscriptions(config)), *names})


def monitored(table: Table, config: StackConfig, declaration: Declaration) -> Iterator[tuple[Subject, Dimensions]]:
    """The table and its declared indexes, each with the dimensions of its metrics."""
    dimensions = (("TableName", config.physical_name(table.name)),)
    yield table.name, dimensions
    for index in table.every_index:
        if table.ref(index) in declaration.indexes:
            yield table.ref(index), (*dimensions, ("GlobalSecondaryIndexName", index.name))


def is_provisioned(table: Table, live: Live) -> bool:
    """Whether the table has provisioned capacity."""
    found = live.get(table.name)
    return (found.billing_mode if found else table.billing_mode) is BillingMode.PROVISIONED


def _throttling(config: StackConfig, subject: Subject, dimensions: Dimensions) -> Alarm:
    return _alarm(
        config,
        subject,
        "throttling",
        f"More than {THROTTLES} throttled reads and writes in five minutes, twice in a row.",
        {
            "reads": Metric("ReadThrottleEvents", dimensions, "Sum"),
            "writes": Metric("WriteThrottleEvents", dimensions, "Sum"),
        },
        "SUM([FILL(reads, 0), FILL(writes, 0)])",
        THROTTLES,
        periods=2,
    )


def _capacity(config: StackConfig, subject: Subject, dimensions: Dimensions) -> Alarm:
    return _alarm(
        config,
        subject,
        "capacity",
        f"More than {CAPACITY_PERCENT} % of the provisioned read or write capacity used over five minutes, "
        "twice in a row.",
        {
            "read": Metric("ConsumedReadCapacityUnits", dimensions, "Sum"),
            "reads": Metric("ProvisionedReadCapacityUnits", dimensions, "Average"),
            "written": Metric("ConsumedWriteCapacityUnits", dimensions, "Sum"),
            "writes": Metric("ProvisionedWriteCapacityUnits", dimensions, "Average"),
        },
        "100 * MAX([FILL(read, 0) / PERIOD(read) / reads, FILL(written, 0) / PERIOD(written) / writes])",
        CAPACITY_PERCENT,
        periods=2,
    )


def _system_errors(config: StackConfig, table: Table) -> Alarm:
    physical = ("TableName", config.physical_name(table.name))
    metrics = {f"e{n}": Metric("SystemErrors", (physical, ("Operation", name)), "Sum") for n, name in _NUMBERED}
    return _alarm(
        config,
        table.name,
        "system-errors",
        "A request failed in DynamoDB itself (HTTP 500).",
        metrics,
        f"SUM([{', '.join(f'FILL({id}, 0)' for id in metrics)}])",
        0,
    )


_NUMBERED = tuple(enumerate(OPERATIONS, start=1))


def _user_errors(config: StackConfig) -> Alarm:
    return _alarm(
        config,
        None,
        "user-errors",
        f"More than {USER_ERRORS} refused requests (HTTP 400) in five minutes, to all tables of the account in this "
        "region: DynamoDB tells them in no finer way.",
        {"errors": Metric("UserErrors", (), "Sum")},
        "FILL(errors, 0)",
        USER_ERRORS,
    )


def _alarm(
    config: StackConfig,
    subject: Subject | None,
    kind: str,
    description: str,
    metrics: Mapping[str, Metric],
    expression: str,
    threshold: float,
    periods: int = 1,
) -> Alarm:
    # No table or index has a slash in its name, so no two alarms share one.
    resource = f"{subject or 'account'}/{kind}"
    return Alarm(
        name=config.physical_name(resource),
        subject=subject,
        description=description,
        metrics=metrics,
        expression=expression,
        period=PERIOD_SECONDS,
        evaluation_periods=periods,
        threshold=threshold,
        comparison="GreaterThanThreshold",
        resource=resource,
    )


def read_metrics(client: CloudWatchClient | None, config: StackConfig, schema: Schema, world: World) -> Readings:
    """What CloudWatch says of the tables with a retired index that is live. Asks nothing where there is none. Raises
    ToolError."""
    retired = live_refs(world.live, (index.ref(table) for table in schema for index in table.retired))
    if client is None or not config.is_monitored or not retired:
        return Readings()
    at = at_present()
    since = at - timedelta(minutes=max(config.settings.quiet_minutes, CLEAN_MINUTES))
    reads: dict[IndexRef, dict[datetime, float]] = {}
    disturbances: dict[str, dict[str, float]] = {}
    with translated_errors(config):
        for ref in sorted(retired):
            metrics = Metrics(client, config.physical_name(ref.table))
            reads[ref] = metrics.reads_by_minute(ref.index, since)
            if ref.table not in disturbances:
                disturbances[ref.table] = metrics.disturbances(world.live[ref.table].indexes, CLEAN_MINUTES)
        return Readings(at, True, alarm_states(client, config, schema, world), reads, disturbances)


def alarm_states(client: CloudWatchClient, config: StackConfig, schema: Schema, world: World) -> tuple[AlarmState, ...]:
    """The state of every alarm that what is live should have. Raises ClientError, BotoCoreError."""
    wanted = {alarm.name: alarm.subject for alarm in alarms(schema, config, present(schema, world), world.live)}
    names = list(wanted)
    found: dict[str, str] = {}
    for start in range(0, len(names), MOST_NAMES):
        answer = client.describe_alarms(AlarmNames=names[start : start + MOST_NAMES], MaxRecords=MOST_NAMES)
        found |= {alarm["AlarmName"]: str(alarm["StateValue"]) for alarm in answer["MetricAlarms"]}
    return tuple(AlarmState(name, subject, found.get(name, MISSING)) for name, subject in wanted.items())
