"""The history of alarms, which CloudWatch tells (DescribeAlarmHistory) and moto does not: changes of their state alone.

moto keeps each state that an alarm was in until it changed, and since when. So a change is where one ends and the next
one begins. Changes of a configuration and actions are not told: whoever asks for them is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

STATE_UPDATE = "StateUpdate"
MOST_RECORDS = 100
"""Items of an answer (AWS)."""


def install() -> None:
    """Makes moto's CloudWatch in this process answer. A second call changes nothing."""
    response: Any = CloudWatchResponse
    response.describe_alarm_history = _describe_alarm_history


def _describe_alarm_history(response: Any) -> ActionResult:
    asked: dict[str, Any] = response._get_params()
    if asked.get("HistoryItemType") != STATE_UPDATE:
        raise InvalidParameterValue("The local CloudWatch tells changes of states alone: HistoryItemType=StateUpdate.")
    start, end = (_time(asked.get(name)) for name in ("StartDate", "EndDate"))
    alarms = response.cloudwatch_backend.alarms.values()
    items = [
        item
        for alarm in alarms
        if asked.get("AlarmName") in {None, alarm.name} and alarm.rule is None
        for item in _changes(alarm)
        if (start is None or start <= item["Timestamp"]) and (end is None or item["Timestamp"] <= end)
    ]
    items.sort(key=lambda item: item["Timestamp"], reverse=asked.get("ScanBy") != "TimestampAscending")
    first, most = int(asked.get("NextToken") or 0), int(asked.get("MaxRecords") or MOST_RECORDS)
    more = {"NextToken": str(first + most)} if len(items) > first + most else {}
    return ActionResult({"AlarmHistoryItems": items[first : first + most], **more})


def _changes(alarm: Any) -> Iterator[dict[str, Any]]:
    """The changes of an alarm's state, oldest first."""
    states = [(state, since, reason) for _, reason, _, state, since in alarm.history]
    states.append((alarm.state_value, alarm.state_updated_timestamp, alarm.state_reason))
    for (old, _, _), (new, since, reason) in pairwise(states):
        data = {
            "version": "1.0",
            "oldState": {"stateValue": old},
            "newState": {"stateValue": new, "stateReason": reason},
        }
        yield {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": since.replace(tzinfo=UTC),
            "HistoryItemType": STATE_UPDATE,
            "HistorySummary": f"Alarm updated from {old} to {new}",
            "HistoryData": json.dumps(data),
        }


def _time(value: Any) -> datetime | None:
    """A time of a request, in whichever protocol it came."""
    if value is None or isinstance(value, datetime):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
