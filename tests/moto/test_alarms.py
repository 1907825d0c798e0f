"""Each alarm fires on the data that it is for, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schema.model import Schema
from schema.parts import BillingMode
from sitelogix.tables import PERSONNEL, REPORTS, WORK_LOGS
from stack.monitoring.alarms import Metric
from stack.monitoring.metrics import OPERATIONS
from tests.watching import Watched
from tests.worlds import after

SCHEMA = Schema((PERSONNEL, WORK_LOGS))
SMALL = Schema((replace(PERSONNEL, indexes=PERSONNEL.indexes[1:], retired=()),))
TABLE, INDEX = "personnel", "personnel/GSI2-StatusIndex"
NOW, PERIOD_BEFORE = 0, 5


@pytest.fixture
def watched(moto_endpoint: str, tmp_path: Path) -> Iterator[Watched]:
    """The alarms of one table with one index, and of the account; gone afterwards, for each look evaluates all."""
    made = Watched.make(moto_endpoint, tmp_path, SMALL)
    yield made
    made.client.delete_alarms(AlarmNames=[alarm.name for alarm in made.alarms.values()])


def throttles(watched: Watched, subject: str, reads: float, writes: float, minutes_ago: float) -> None:
    metrics = watched.alarms[f"{subject}/throttling"].metrics
    watched.put(metrics["reads"], reads, minutes_ago)
    watched.put(metrics["writes"], writes, minutes_ago)


@pytest.mark.parametrize("subject", [TABLE, INDEX])
@pytest.mark.parametrize(("reads", "writes"), [(11, 0), (0, 11), (5, 6)])
def test_more_than_ten_throttles_in_two_periods_fire(
    watched: Watched, subject: str, reads: float, writes: float
) -> None:
    throttles(watched, subject, reads, writes, NOW)
    throttles(watched, subject, reads, writes, PERIOD_BEFORE)
    assert watched.firing() == {f"{subject}/throttling"}


@pytest.mark.parametrize("kind", ["reads", "writes"])
@pytest.mark.parametrize("subject", [TABLE, INDEX])
def test_throttles_of_one_kind_alone_fire(watched: Watched, subject: str, kind: str) -> None:
    metric = watched.alarms[f"{subject}/throttling"].metrics[kind]
    watched.put(metric, 11, NOW)
    watched.put(metric, 11, PERIOD_BEFORE)
    assert watched.firing() == {f"{subject}/throttling"}


@pytest.mark.parametrize("subject", [TABLE, INDEX])
def test_ten_throttles_in_each_period_do_not_fire(watched: Watched, subject: str) -> None:
    throttles(watched, subject, 5, 5, NOW)
    throttles(watched, subject, 5, 5, PERIOD_BEFORE)
    assert watched.firing() == set()


@pytest.mark.parametrize("subject", [TABLE, INDEX])
@pytest.mark.parametrize("when", [NOW, PERIOD_BEFORE])
def test_throttles_in_one_period_only_do_not_fire(watched: Watched, subject: str, when: float) -> None:
    throttles(watched, subject, 500, 500, when)
    assert watched.firing() == set()


def test_an_alarm_that_fired_is_ok_again_once_there_is_no_more_data(watched: Watched) -> None:
    fired = watched.alarms["personnel/throttling"]
    watched.client.set_alarm_state(AlarmName=fired.name, StateValue="ALARM", StateReason="it was throttled an hour ago")
    throttles(watched, TABLE, 500, 500, minutes_ago=60)
    assert watched.firing() == set()


@pytest.mark.parametrize("operation", ["BatchGetItem", "Query", "UpdateItem"])
def test_one_system_error_of_any_operation_fires_for_its_table(watched: Watched, operation: str) -> None:
    table = ("TableName", watched.config.physical_name(TABLE))
    watched.put(Metric("SystemErrors", (table, ("Operation", operation)), "Sum"), 1)
    assert watched.firing() == {"personnel/system-errors"}


def test_system_errors_of_as_many_operations_are_read_as_one_alarm_may(watched: Watched) -> None:
    metrics = watched.alarms["personnel/system-errors"].metrics
    assert {dict(metric.dimensions)["Operation"] for metric in metrics.values()} == set(OPERATIONS)
    assert len(metrics) == 10


def test_no_system_error_does_not_fire(watched: Watched) -> None:
    for metric in watched.alarms["personnel/system-errors"].metrics.values():
        watched.put(metric, 0)
    table = ("TableName", watched.config.physical_name(TABLE))
    watched.put(Metric("SystemErrors", (table,), "Sum"), 9)
    watched.put(Metric("SystemErrors", (("Operation", "Query"),), "Sum"), 9)
    assert watched.firing() == set()


@pytest.mark.parametrize(
    ("region", "errors", "expected"),
    [
        ("eu-west-1", [101], {"account/user-errors"}),
        ("eu-west-2", [100], set()),
        ("eu-west-3", [60, 41], {"account/user-errors"}),
        ("eu-north-1", [], set()),
    ],
)
def test_more_than_a_hundred_user_errors_of_the_account_fire(
    moto_endpoint: str, tmp_path: Path, region: str, errors: list[float], expected: set[str]
) -> None:
    watched = Watched.make(moto_endpoint, tmp_path, SMALL, region=region)
    for count in errors:
        watched.put(Metric("UserErrors", (), "Sum"), count)
    table = ("TableName", watched.config.physical_name(TABLE))
    watched.put(Metric("UserErrors", (table,), "Sum"), 1000)
    assert watched.firing() == expected


def use(watched: Watched, subject: str, percent: float, kind: str, minutes_ago: float, provisioned: float = 10) -> None:
    """That part of the capacity used in a period, and nothing of the other kind."""
    metrics = watched.alarms[f"{subject}/capacity"].metrics
    watched.put(metrics[{"read": "read", "write": "written"}[kind]], percent / 100 * provisioned * 300, minutes_ago)
    watched.put(metrics["reads"], provisioned, minutes_ago)
    watched.put(metrics["writes"], provisioned, minutes_ago)


@pytest.mark.parametrize("subject", [TABLE, INDEX])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_more_than_80_percent_of_the_capacity_in_two_periods_fires(watched: Watched, subject: str, kind: str) -> None:
    use(watched, subject, 81, kind, NOW)
    use(watched, subject, 81, kind, PERIOD_BEFORE)
    assert watched.firing() == {f"{subject}/capacity"}


@pytest.mark.parametrize("subject", [TABLE, INDEX])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_80_percent_of_the_capacity_does_not_fire(watched: Watched, subject: str, kind: str) -> None:
    use(watched, subject, 80, kind, NOW)
    use(watched, subject, 80, kind, PERIOD_BEFORE)
    assert watched.firing() == set()


def test_a_full_period_after_a_quiet_one_does_not_fire(watched: Watched) -> None:
    use(watched, TABLE, 100, "write", NOW)
    use(watched, TABLE, 0, "write", PERIOD_BEFORE)
    assert watched.firing() == set()


def test_capacity_that_is_not_told_does_not_fire(watched: Watched) -> None:
    for minutes_ago in (NOW, PERIOD_BEFORE):
        watched.put(watched.alarms["personnel/capacity"].metrics["written"], 1e6, minutes_ago)
    assert watched.firing() == set()


def test_data_of_another_table_or_index_or_dimension_does_not_fire(watched: Watched) -> None:
    name = watched.config.physical_name(TABLE)
    others = [
        (("TableName", f"{name}-archive"),),
        (("TableName", f"{name}-archive"), ("GlobalSecondaryIndexName", "GSI2-StatusIndex")),
        (("TableName", name), ("GlobalSecondaryIndexName", "byOther")),
        (("TableName", name), ("GlobalSecondaryIndex", "GSI2-StatusIndex")),
        (("TableName", name), ("Operation", "Query")),
        (),
    ]
    for dimensions in others:
        for minutes_ago in (NOW, PERIOD_BEFORE):
            watched.put(Metric("ReadThrottleEvents", dimensions, "Sum"), 1000, minutes_ago)
            watched.put(Metric("ConsumedWriteCapacityUnits", dimensions, "Sum"), 1e6, minutes_ago)
            watched.put(Metric("ProvisionedWriteCapacityUnits", dimensions, "Average"), 1, minutes_ago)
    assert watched.firing() == set()


def test_a_table_that_is_on_demand_has_no_capacity_alarm_whatever_the_schema_says(
    moto_endpoint: str, tmp_path: Path
) -> None:
    live = after(SCHEMA).live
    on_demand = {**live, "personnel": replace(live["personnel"], billing_mode=BillingMode.ON_DEMAND)}
    watched = Watched.make(moto_endpoint, tmp_path, SCHEMA, on_demand)
    capacity = {resource for resource in watched.alarms if resource.endswith("/capacity")}
    assert capacity == {
        "work-logs/capacity",
        "work-logs/GSI1-ProjectDateIndex/capacity",
        "work-logs/GSI2-TeamIndex/capacity",
    }
    throttling = {resource for resource in watched.alarms if resource.endswith("/throttling")}
    assert {"personnel/throttling", f"{INDEX}/throttling"} < throttling


def test_a_table_that_is_not_live_yet_goes_by_the_schema(moto_endpoint: str, tmp_path: Path) -> None:
    indexes = tuple(replace(index, throughput=None) for index in WORK_LOGS.indexes)
    on_demand = replace(WORK_LOGS, billing_mode=BillingMode.ON_DEMAND, throughput=None, indexes=indexes)
    watched = Watched.make(moto_endpoint, tmp_path, Schema((on_demand, REPORTS)))
    assert "reports/capacity" in watched.alarms
    assert "work-logs/capacity" not in watched.alarms
