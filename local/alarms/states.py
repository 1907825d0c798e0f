"""Alarms that change their state by the data, as CloudWatch's do and moto's do not.

As AWS documents it (Evaluating an alarm; Configuring how CloudWatch alarms treat missing data): an alarm looks at some
periods more than it evaluates, takes the newest that have data, and stands in for what is then still missing. Alarms on
AWS/DynamoDB ignore missing data whatever they say (PutMetricAlarm, TreatMissingData). Periods end with the running
minute, so a value that was put just now counts.
"""

from __future__ import annotations

import json
import operator
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.models import Statistics, cloudwatch_backends
from moto.sns.models import sns_backends

from local.alarms.metric_math import Points, Series, evaluate
from schema.clock import at_present

MORE_PERIODS = 2
"""How many periods more than it evaluates an alarm looks at: AWS's own example shows five for three."""
DYNAMODB = "AWS/DynamoDB"

_COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_Key = tuple[str, str, frozenset[tuple[str, str]]]
_evaluating = threading.Lock()


def evaluate_alarms(account: str, region: str) -> None:
    """Sets the state of every alarm of the region, and tells the topics of those whose state has changed.

    Raises Unsupported for an alarm that is not understood.
    """
    backend = cloudwatch_backends[account][region]
    with _evaluating:
        alarms = [alarm for alarm in list(backend.alarms.values()) if alarm.rule is None]
        if not alarms:
            return
        data: dict[_Key, list[Any]] = defaultdict(list)
        for datum in list(backend.metric_data):
            dimensions = frozenset((dimension.name, dimension.value) for dimension in datum.dimensions)
            data[datum.namespace, datum.name, dimensions].append(datum)
        end = at_present().replace(second=0, microsecond=0, tzinfo=None) + timedelta(minutes=1)
        for alarm in alarms:
            points, treatment = _points(alarm, data, end)
            state = _state(points, alarm, treatment)
            if state != alarm.state_value:
                _change(alarm, state, points, account, region)


def _points(alarm: Any, data: Mapping[_Key, list[Any]], end: datetime) -> tuple[Points, str]:
    """The values that the alarm looks at, newest first, and how it treats missing ones."""
    count = int(alarm.evaluation_periods) + MORE_PERIODS
    if not alarm.metric_data_queries:
        dimensions = frozenset((dimension.name, dimension.value) for dimension in alarm.dimensions)
        found = data.get((alarm.namespace, alarm.metric_name, dimensions), [])
        points = _statistics(found, alarm.statistic, int(alarm.period), count, end)
        namespaces = {alarm.namespace}
    else:
        series: dict[str, Series] = {}
        for query in alarm.metric_data_queries:
            if query.metric_stat is not None:
                stat, metric = query.metric_stat, query.metric_stat.metric
                dimensions = frozenset((dimension.name, dimension.value) for dimension in metric.dimensions)
                found = data.get((metric.namespace, metric.metric_name, dimensions), [])
                period = int(stat.period)
                series[query.id] = Series(_statistics(found, stat.stat, period, count, end), period)
        (result,) = [query for query in alarm.metric_data_queries if _is_true(query.return_data)]
        points = evaluate(result.expression, series) if result.expression else series[result.id].points
        namespaces = {
            query.metric_stat.metric.namespace for query in alarm.metric_data_queries if query.metric_stat is not None
        }
    return points, "ignore" if DYNAMODB in namespaces else alarm.treat_missing_data or "missing"


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _statistics(data: list[Any], statistic: str, period: int, count: int, end: datetime) -> Points:
    """The statistic of each of the last `count` periods, newest first."""
    periods: list[list[Any]] = [[] for _ in range(count)]
    for datum in data:
        age = (end - datum.timestamp.replace(tzinfo=None)).total_seconds()
        number = int(age // period) if age % period else int(age // period) - 1
        if 0 <= number < count:
            periods[number].append(datum)
    points: list[float | None] = []
    for found in periods:
        statistics = Statistics([statistic], end)
        statistics.metric_data = found
        value = statistics.get_statistics_for_type(statistic) if found else None
        points.append(None if value is None else float(value))
    return tuple(points)


def _state(points: Points, alarm: Any, treatment: str) -> str:
    periods = int(alarm.evaluation_periods)
    needed = int(alarm.datapoints_to_alarm or periods)
    compare = _COMPARISONS[alarm.comparison_operator]
    present = [point for point in points if point is not None][:periods]
    missing = periods - len(present)
    breaching = sum(compare(point, float(alarm.threshold)) for point in present)
    if missing and treatment == "ignore":
        return str(alarm.state_value)
    if treatment == "missing":
        if not present:
            return "INSUFFICIENT_DATA"
        # Only what is there counts.
        needed = min(needed, len(present))
    elif treatment == "breaching":
        breaching += missing
    return "ALARM" if breaching >= needed else "OK"


def _change(alarm: Any, state: str, points: Points, account: str, region: str) -> None:
    old = alarm.state_value
    shown = ", ".join("missing" if point is None else f"{point:g}" for point in points)
    reason = f"{alarm.comparison_operator} {alarm.threshold}: the newest values are {shown}"
    alarm.update_state(reason, json.dumps({"recentDatapoints": points}), state)
    alarm.state_updated_timestamp = at_present().replace(tzinfo=None)
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(state, alarm.insufficient_data_actions)
    if not alarm.actions_enabled:
        return
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "AlarmArn": alarm.alarm_arn,
        "Region": region,
        "OldStateValue": old,
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": at_present().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    }
    for action in actions:
        if action.startswith("arn:aws:sns:"):
            # SNS delivers by itself: an endpoint that does not answer is no fault of the alarm's.
            with suppress(OSError):
                sns_backends[account][region].publish(
                    json.dumps(message), arn=action, subject=f"{state}: {alarm.name}"[:100]
                )
