"""An index while it is built: what is shown of it, from a CloudWatch that is told what AWS would tell."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from migration.session.context import Context
from migration.steps.indexes.building import Build, read_build
from schema.parts import BillingMode
from sitelogix.tables import REPORTS
from stack.aws import cloudwatch
from stack.ledger.ledger import Facts
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveIndex, LiveTable, read_table
from tests.backfilling import report
from tests.conftest import EmulatedStack
from tests.moto.test_backfill_decisions import context
from tests.silence import SilentReporter

STATUS = REPORTS.index("GSI3-StatusIndex")
REF = REPORTS.ref(STATUS)


class Told(SilentReporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int, str]] = []
        self.notes: list[str] = []

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        self.shown.append((done, total, text))

    def noted(self, text: str) -> None:
        self.notes.append(text)


def put(stack: EmulatedStack, table: str, minutes: float, index: str | None = None, **values: float) -> None:
    """Puts these metrics of a table or an index, as of some minutes ago."""
    client = cloudwatch(replace(stack.config, cloudwatch_endpoint=stack.config.endpoint))
    assert client is not None
    dimensions: list[Any] = [{"Name": "TableName", "Value": table}]
    if index:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": index})
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    data: Any = [
        {"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": at}
        for name, value in values.items()
    ]
    client.put_metric_data(Namespace="AWS/DynamoDB", MetricData=data)


def building(stack: EmulatedStack) -> tuple[Context, LiveTable]:
    """A context with a CloudWatch, and a table on which AWS is building the new index."""
    stack.create("reports", [report(1)])
    live = read_table(stack.client, stack.config, "reports")
    assert live is not None
    index = LiveIndex(STATUS, status="CREATING", backfilling=True)
    made = context(stack)
    made.cloudwatch = cloudwatch(replace(stack.config, cloudwatch_endpoint=stack.config.endpoint))
    return made, replace(live, indexes={**live.indexes, STATUS.name: index})


def test_progress_consumption_and_throttles_of_the_build_are_read_by_table_and_index(moto_stack: EmulatedStack) -> None:
    made, live = building(moto_stack)
    table = moto_stack.config.physical_name("reports")
    put(moto_stack, table, 3, STATUS.name, OnlineIndexPercentageProgress=20)
    put(
        moto_stack,
        table,
        1,
        STATUS.name,
        OnlineIndexPercentageProgress=35,
        OnlineIndexThrottleEvents=12,
        OnlineIndexConsumedWriteCapacity=600,
    )
    put(moto_stack, table, 1, "Another", OnlineIndexPercentageProgress=99)
    put(moto_stack, table, 1, WriteThrottleEvents=4)
    reading = read_build(Metrics(made.cloudwatch, table), live.indexes[STATUS.name])
    assert asdict(reading) == {
        "state": "CREATING and backfilling",
        "percent": 35.0,
        "write_units_a_second": 10.0,
        "throttles": 12.0,
        "table_throttles": 4.0,
    }
    assert reading.text(left=125.4) == (
        "CREATING and backfilling, 35 %, 10.0 write units a second, throttled 12 times a minute, about 0:02:05 left"
    )


def test_time_left_follows_the_pace_so_far(moto_stack: EmulatedStack, monkeypatch: Any) -> None:
    made, live = building(moto_stack)
    made.reporter = told = Told()
    table, clock = moto_stack.config.physical_name("reports"), [0.0]
    monkeypatch.setattr("migration.steps.indexes.building.time.monotonic", lambda: clock[0])
    build = Build(made, REF)
    put(moto_stack, table, 3, STATUS.name, OnlineIndexPercentageProgress=20)
    build.show(live)
    clock[0] = 60
    put(moto_stack, table, 1, STATUS.name, OnlineIndexPercentageProgress=30)
    build.show(live)
    assert told.shown == [
        (20, 100, "CREATING and backfilling, 20 %"),
        (30, 100, "CREATING and backfilling, 30 %, about 0:07:00 left"),
    ]
    assert told.notes == []


def test_a_build_that_throttles_the_tables_writes_warns_once_and_names_the_lever(moto_stack: EmulatedStack) -> None:
    made, live = building(moto_stack)
    made.reporter = told = Told()
    put(moto_stack, moto_stack.config.physical_name("reports"), 1, WriteThrottleEvents=40)
    build = Build(made, REF)
    build.show(live)
    build.show(live)
    assert told.notes == [
        "40 writes to reports were throttled while reports/GSI3-StatusIndex is being built. "
        "The index has 5 write units; too few of them throttle the table. "
        "Run: ./invoke capacity --table reports --index GSI3-StatusIndex --write 20 --stack test"
    ]


def test_on_an_on_demand_table_there_is_no_such_lever(moto_stack: EmulatedStack) -> None:
    made, live = building(moto_stack)
    made.reporter = told = Told()
    put(moto_stack, moto_stack.config.physical_name("reports"), 1, WriteThrottleEvents=40)
    index = LiveIndex(replace(STATUS, throughput=None), status="CREATING")
    indexes = {**live.indexes, STATUS.name: index}
    Build(made, REF).show(replace(live, billing_mode=BillingMode.ON_DEMAND, throughput=None, indexes=indexes))
    (note,) = told.notes
    assert note.endswith("The table is on demand: AWS gives it more by itself, within the account's limits.")


def test_where_cloudwatch_says_nothing_the_state_is_shown(moto_stack: EmulatedStack) -> None:
    made, live = building(moto_stack)
    made.reporter = told = Told()
    Build(made, REF).show(live)
    assert told.shown == [(0, 100, "CREATING and backfilling")]
