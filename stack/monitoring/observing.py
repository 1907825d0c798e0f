"""Reading from CloudWatch what the gates need to know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from schema.model import Schema
from stack.aws import translated_errors
from stack.declaration import present
from stack.file.config import StackConfig
from stack.monitoring.alarms import alarms
from stack.monitoring.metrics import Metrics
from stack.world.managed import index_resource
from stack.world.readings import MISSING, AlarmState, Observed
from stack.world.world import World

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

LAST_HOUR = 60
"""Minutes that have to be clean before an index goes."""


def observe(client: CloudWatchClient | None, config: StackConfig, schema: Schema, world: World) -> Observed:
    """What CloudWatch says of the tables with a retired index that is live; nothing where there is none, which costs
    nothing. Raises ToolError."""
    retired = {
        table.name: [one.name for one in table.retired if one.name in world.live[table.name].indexes]
        for table in schema
        if table.name in world.live
    }
    if client is None or not config.is_monitored or not any(retired.values()):
        return Observed()
    at = datetime.now(UTC)
    reads: dict[str, dict[datetime, float]] = {}
    disturbances: dict[str, dict[str, float]] = {}
    with translated_errors(config):
        for name, indexes in retired.items():
            if not indexes:
                continue
            metrics = Metrics(client, config.physical_name(name))
            disturbances[name] = metrics.disturbances(world.live[name].indexes, LAST_HOUR)
            since = at - timedelta(minutes=max(config.settings.quiet_minutes, LAST_HOUR))
            for index in indexes:
                reads[index_resource(name, index)] = metrics.reads_by_minute(index, since)
        return Observed(at, True, _alarms(client, config, schema, world), reads, disturbances)


def _alarms(client: CloudWatchClient, config: StackConfig, schema: Schema, world: World) -> tuple[AlarmState, ...]:
    wanted = {alarm.name: alarm.subject for alarm in alarms(schema, config, present(schema, world), world.live)}
    names = list(wanted)
    found: dict[str, str] = {}
    for start in range(0, len(names), 100):
        # As many as one request may name.
        answer = client.describe_alarms(AlarmNames=names[start : start + 100], MaxRecords=100)
        found |= {alarm["AlarmName"]: str(alarm["StateValue"]) for alarm in answer["MetricAlarms"]}
    return tuple(AlarmState(name, subject, found.get(name, MISSING)) for name, subject in wanted.items())
