"""Reading from CloudWatch what the gates need to know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from schema.model import Schema
from schema.references import IndexRef
from stack.aws import translated_errors
from stack.declaration import present
from stack.file.config import StackConfig
from stack.monitoring.alarms import alarms
from stack.monitoring.metrics import Metrics
from stack.world.world import MISSING, AlarmState, Readings, World, live_refs

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

CLEAN_MINUTES = 60
"""Minutes that have to be without disturbances before an index goes."""
MOST_NAMES = 100
"""Alarms that one request may name (AWS)."""


def read_metrics(client: CloudWatchClient | None, config: StackConfig, schema: Schema, world: World) -> Readings:
    """What CloudWatch says of the tables with a retired index that is live. Asks nothing where there is none. Raises
    ToolError."""
    retired = live_refs(world.live, (index.ref(table) for table in schema for index in table.retired))
    if client is None or not config.is_monitored or not retired:
        return Readings()
    at = datetime.now(UTC)
    since = at - timedelta(minutes=max(config.settings.quiet_minutes, CLEAN_MINUTES))
    reads: dict[IndexRef, dict[datetime, float]] = {}
    disturbances: dict[str, dict[str, float]] = {}
    with translated_errors(config):
        for ref in sorted(retired):
            metrics = Metrics(client, config.physical_name(ref.table))
            reads[ref] = metrics.reads_by_minute(ref.index, since)
            if ref.table not in disturbances:
                disturbances[ref.table] = metrics.disturbances(world.live[ref.table].indexes, CLEAN_MINUTES)
        return Readings(at, True, _alarms(client, config, schema, world), reads, disturbances)


def _alarms(client: CloudWatchClient, config: StackConfig, schema: Schema, world: World) -> tuple[AlarmState, ...]:
    wanted = {alarm.name: alarm.subject for alarm in alarms(schema, config, present(schema, world), world.live)}
    names = list(wanted)
    found: dict[str, str] = {}
    for start in range(0, len(names), MOST_NAMES):
        answer = client.describe_alarms(AlarmNames=names[start : start + MOST_NAMES], MaxRecords=MOST_NAMES)
        found |= {alarm["AlarmName"]: str(alarm["StateValue"]) for alarm in answer["MetricAlarms"]}
    return tuple(AlarmState(name, subject, found.get(name, MISSING)) for name, subject in wanted.items())
