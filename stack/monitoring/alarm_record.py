"""What CloudWatch says of a stack's alarms over some time: whether one has fired since, or was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schema.errors import Refused
from schema.model import Schema
from stack.aws import translated_errors
from stack.file.config import StackConfig
from stack.monitoring.alarms import MOST_NAMES, alarm_states
from stack.world.world import ALARM, AlarmState, World

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient


@dataclass(frozen=True)
class AlarmRecord:
    """What CloudWatch says of a stack's alarms: their states now, and by an alarm's name the last time since some
    moment at which it was in ALARM (`fired`) or its configuration changed (`changed`). Not `available` where the stack
    has no CloudWatch."""

    available: bool = False
    states: tuple[AlarmState, ...] = ()
    fired: Mapping[str, datetime] = field(default_factory=dict)
    changed: Mapping[str, datetime] = field(default_factory=dict)


def read_alarm_record(
    client: CloudWatchClient | None, config: StackConfig, schema: Schema, world: World, since: datetime
) -> AlarmRecord:
    """The record since that time. It asks once for each alarm, and once for a hundred alarms. Raises ToolError."""
    if client is None or not config.is_monitored:
        return AlarmRecord()
    with translated_errors(config):
        names = [alarm.name for alarm in alarm_states(client, config, schema, world)]
        changed = {name: time for name, time in _changed(client, names).items() if time > since}
        fired = {name: time for name in names if (time := _fired(client, name, since)) is not None}
        # The states last: an alarm that fires meanwhile is in one or the other.
        return AlarmRecord(True, alarm_states(client, config, schema, world), fired, changed)


def _changed(client: CloudWatchClient, names: list[str]) -> dict[str, datetime]:
    """When the configuration of each alarm was last changed. What it told before that says little of it."""
    found: dict[str, datetime] = {}
    for start in range(0, len(names), MOST_NAMES):
        answer = client.describe_alarms(AlarmNames=names[start : start + MOST_NAMES], MaxRecords=MOST_NAMES)
        for alarm in answer["MetricAlarms"]:
            found[alarm["AlarmName"]] = alarm["AlarmConfigurationUpdatedTimestamp"].astimezone(UTC)
    return found


def _fired(client: CloudWatchClient, name: str, since: datetime) -> datetime | None:
    """When the alarm last went into ALARM or out of it; None: not since that time. Raises Refused for a history that
    is not understood."""
    pages = client.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, HistoryItemType="StateUpdate", StartDate=since, ScanBy="TimestampDescending"
    )
    for page in pages:
        for item in page["AlarmHistoryItems"]:
            if ALARM in _states(item.get("HistoryData", "")):
                return item["Timestamp"].astimezone(UTC)
    return None


def _states(data: str) -> tuple[str, str]:
    """The state before and the one after, as the data of an item of an alarm's history tell them."""
    try:
        said = json.loads(data)
        return str(said["oldState"]["stateValue"]), str(said["newState"]["stateValue"])
    except (ValueError, KeyError, TypeError):
        raise Refused(
            "The history of an alarm cannot be read, so nobody can say whether it has fired.",
            f"CloudWatch says: {data[:200]}.",
            "Use a newer version of this tool.",
        ) from None
