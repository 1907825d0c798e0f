"""An index while it is built: what is shown of it, from a CloudWatch that is told what AWS would tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local import building as slow
from migration.plan.result import Plan
from migration.rollback.proposal import AGAIN
from migration.run.runner import Undertaking, run
from migration.session.context import Context
from migration.session.waiting import wait_for
from migration.steps.indexes.building import Build, read_build
from migration.steps.indexes.building import building as shown_building
from migration.steps.step import Step
from schema.errors import OutOfTime, Refused, StillBuilding, ToolError
from schema.parts import BillingMode
from sitelogix.tables import REPORTS
from stack.aws import cloudwatch
from stack.ledger.ledger import Facts
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveIndex, LiveTable, read_table
from stack.world.world import World
from tests.backfilling import report
from tests.conftest import EmulatedStack
from tests.moto.test_backfill_decisions import context
from tests.rolling_back import RecordingEngine, build_index
from tests.silence import SilentReporter

STATUS = REPORTS.index("GSI3-StatusIndex")
REF = REPORTS.ref(STATUS)


FAILED = ToolError("`pulumi up` failed.", "timeout while waiting for state to become 'ACTIVE'.")
HANG_SECONDS = 60
"""What a test waits for comes at once; this is for hangs."""


class Letting(RecordingEngine):
    """An engine whose `up` is ended from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = threading.Event()

    def let_go(self) -> None:
        self.ended.set()

    def waits_for_aws(self) -> None:
        """What an `up` does while AWS builds: it comes back only when it is ended."""
        assert self.ended.wait(HANG_SECONDS), "nobody ended the `up`"
        self.fails()

    def fails(self, error: ToolError = FAILED) -> None:
        raise error


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


@pytest.fixture
def at_work(moto_stack: EmulatedStack) -> Iterator[tuple[Context, Letting]]:
    """A run, and a table of which AWS finishes no index."""
    table = moto_stack.create("reports", [report(1)])
    slow.hold(table)
    made = context(moto_stack)
    made.engine = engine = Letting()
    yield made, engine
    slow.release(table, moto_stack.config.region)


def end_of(made: Context, up: Callable[[], None]) -> ToolError:
    """What a step is told by an `up` that fails."""

    def built() -> None:
        with shown_building(made, REF):
            up()

    with pytest.raises(ToolError) as failure:
        built()
    return failure.value


def test_an_up_that_ends_while_aws_still_builds_is_no_failure(
    moto_stack: EmulatedStack, at_work: tuple[Context, Letting]
) -> None:
    made, engine = at_work

    def up() -> None:
        build_index(moto_stack, "reports", STATUS)
        engine.fails()

    waiting = end_of(made, up)
    assert (type(waiting), waiting.exit_code) == (StillBuilding, 3)
    assert waiting.what == "AWS is still at work: reports/GSI3-StatusIndex is CREATING."
    assert waiting.why == (
        "The `pulumi up` that began it ended before AWS was done: timeout while waiting for state to become 'ACTIVE'. "
        "AWS goes on by itself, and what it makes is adopted by the next run."
    )
    assert waiting.next == "Run: ./invoke migrate --stack test"


def test_an_up_that_fails_before_aws_builds_anything_is_a_failure(at_work: tuple[Context, Letting]) -> None:
    made, engine = at_work
    assert end_of(made, engine.fails) is FAILED


def test_a_refusal_is_told_as_it_is_also_while_aws_builds(
    moto_stack: EmulatedStack, at_work: tuple[Context, Letting]
) -> None:
    made, engine = at_work
    build_index(moto_stack, "reports", STATUS)
    refusal = Refused("no")
    assert end_of(made, lambda: engine.fails(refusal)) is refusal


def test_a_run_that_must_not_wait_ends_its_up_once_aws_builds(
    moto_stack: EmulatedStack, at_work: tuple[Context, Letting]
) -> None:
    made, engine = at_work
    made.no_wait = True

    def up() -> None:
        build_index(moto_stack, "reports", STATUS)
        engine.waits_for_aws()

    waiting = end_of(made, up)
    assert isinstance(waiting, StillBuilding)
    assert waiting.what == "AWS is still at work: reports/GSI3-StatusIndex is CREATING."
    assert waiting.why.startswith("The run was told not to wait. AWS goes on by itself")


def test_a_run_whose_time_is_over_ends_its_up_once_aws_builds(
    moto_stack: EmulatedStack, at_work: tuple[Context, Letting]
) -> None:
    made, engine = at_work

    def up() -> None:
        build_index(moto_stack, "reports", STATUS)
        with made.interrupts.limited(0.01):
            engine.waits_for_aws()

    over = end_of(made, up)
    assert (type(over), over.exit_code) == (OutOfTime, 3)


def test_a_run_that_must_not_wait_says_what_aws_is_at(
    moto_stack: EmulatedStack, at_work: tuple[Context, Letting]
) -> None:
    made, _ = at_work
    build_index(moto_stack, "reports", STATUS)
    made.no_wait = True
    with pytest.raises(StillBuilding) as waiting:
        wait_for(made, "reports", lambda live: live.is_idle)
    assert waiting.value.what == "AWS is still at work: reports/GSI3-StatusIndex is CREATING."
    assert wait_for(made, "reports", lambda live: not live.is_idle).name == "reports"


@dataclass(frozen=True, kw_only=True)
class Unfinished(Step):
    """A step that ends while AWS is still at work."""

    ACTION = "unfinished"

    @property
    def tables(self) -> tuple[str, ...]:
        return ()

    def apply(self, context: Context, world: World) -> Facts:
        raise StillBuilding("AWS is still at work.", "", context.command("migrate"))

    def effect(self, world: World) -> World:
        return world


@pytest.mark.parametrize(
    ("again", "next"),
    [
        ("", "Run: ./invoke migrate --stack test"),
        (AGAIN, "Repeat the command: it goes on from what is there."),
    ],
)
def test_a_rollback_goes_on_by_itself_and_not_by_a_migration(
    at_work: tuple[Context, Letting], again: str, next: str
) -> None:
    made, _ = at_work
    with pytest.raises(StillBuilding) as waiting:
        run(made, Undertaking("something", lambda world, done: Plan((Unfinished(),), (), ()), again=again))
    assert waiting.value.next == next
