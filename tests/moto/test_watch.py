"""A watch over the local CloudWatch: what is read there, what ends it, and how it goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from migration.session.context import Context
from migration.watching.record import Watched, read, write
from migration.watching.watch import Clock, Watch, WatchSummary, watch
from schema.errors import CredentialsEnded, Interrupted, ToolError, UsageError
from schema.model import Schema
from sitelogix.tables import PERSONNEL
from stack.declaration import Declaration
from stack.ledger.history import History
from stack.ledger.ledger import Ledger
from stack.monitoring.alarms import Metric
from stack.monitoring.observing import observe, watched_series
from tests.conftest import EmulatedStack, stack_on
from tests.moto.test_backfill_decisions import context as plain
from tests.watching import Watched as Alarmed

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

SCHEMA = Schema((replace(PERSONNEL, retired=()),))
INDEX = "personnel/GSI2-StatusIndex"
MINUTE = timedelta(minutes=1)


@dataclass
class Passing:
    """A clock whose time passes only while somebody waits; `then` happens at each full minute."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    then: Callable[[], None] = lambda: None
    watched: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        before = self.now
        self.now += timedelta(seconds=60)
        assert seconds <= 60, before
        self.then()

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.wait, self.watched.append)


@dataclass
class Under:
    """A stack with a table, its alarms, and a run in its history that has built an index."""

    context: Context
    client: CloudWatchClient
    alarmed: Alarmed

    def watch(self, seconds: float | None, time: Passing) -> WatchSummary:
        """What a watch tells, but for refused requests: a test's own, too, are counted, and may be of a full minute."""
        done = Watch(self.context, self.client, time.clock).run(seconds)
        return replace(done, told=tuple(line for line in done.told if not line.endswith("(user errors)")))

    def put(self, name: str, value: float, *dimensions: tuple[str, str], minutes_ago: float = 0) -> None:
        table = ("TableName", self.context.config.physical_name("personnel"))
        self.alarmed.put(Metric(name, (table, *dimensions), "Sum"), value, minutes_ago)

    def recorded_change(self) -> str:
        """The id of the run that is watched."""
        return self.context.history.newest(1)[0].id

    def other_run(self) -> Iterator[None]:
        """Another process's run: it begins when it is asked for first, and ends when it is asked again."""
        other = Ledger(self.context.client, self.context.config)
        history = History(other, lambda: "a test", SCHEMA.digest)
        with other.lease.held("migrate"), history.recording("migrate"):
            yield

    @property
    def recorded(self) -> Watched:
        found = read(self.context.ledger)
        assert found is not None
        return found


@pytest.fixture
def under(moto_endpoint: str, tmp_path: Path) -> Iterator[Under]:
    stack = stack_on(moto_endpoint, tmp_path)
    config = replace(stack.config, cloudwatch_endpoint=moto_endpoint, sns_endpoint=moto_endpoint)
    stack = EmulatedStack(config, stack.client)
    stack.create("personnel", [])
    stack.client.update_table(
        TableName=config.physical_name("personnel"),
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("PK", "SK", "full_name", "project_id", "status", "dateLastSeen")
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "GSI2-StatusIndex",
                    "KeySchema": [
                        {"AttributeName": "status", "KeyType": "HASH"},
                        {"AttributeName": "dateLastSeen", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
                }
            }
        ],
    )
    found = plain(stack)
    made = Alarmed.of(config, SCHEMA)
    context = replace(found, schema=SCHEMA, cloudwatch=made.client)
    with context.history.recording("migrate") as run, run.step(f"create-index {INDEX}"):
        pass
    yield Under(context, made.client, made)
    made.client.delete_alarms(AlarmNames=[alarm.name for alarm in made.alarms.values()])


def test_a_watch_ends_clean_three_minutes_after_its_time_and_counts_all_of_it(under: Under) -> None:
    time = Passing()
    began = time.now
    done = under.watch(600, time)
    assert (done.is_clean, done.watched.seconds, done.next) == (True, 780, "")
    assert time.now - began == timedelta(seconds=780)
    assert done.alarms == {"OK": 8}
    assert done.told == ()


def test_it_ends_at_the_first_system_error_with_the_rollback_of_what_was_built(under: Under) -> None:
    time = Passing()

    def then() -> None:
        # Once: a second value of the same minute would be added to it.
        time.then = lambda: None
        under.put("SystemErrors", 2, ("Operation", "Query"), minutes_ago=-1)

    time.then = then
    done = under.watch(None, time)
    assert done.watched.ended_by == "alarm " + under.alarmed.alarms["personnel/system-errors"].name + " fires" or (
        done.watched.ended_by == "personnel: 2 system errors"
    )
    assert "personnel: 2 system errors" in done.told
    assert done.next == "rollback --table personnel --index GSI2-StatusIndex"
    assert under.recorded.ended_by == done.watched.ended_by


def test_it_ends_at_once_where_an_alarm_fires_or_is_missing(under: Under) -> None:
    name = under.alarmed.alarms[f"{INDEX}/throttling"].name
    under.client.delete_alarms(AlarmNames=[name])
    done = under.watch(None, Passing())
    assert done.watched.ended_by == f"alarm {name} is missing"
    assert done.watched.seconds == 0


def test_throttles_are_told_by_cause_and_once(under: Under) -> None:
    time = Passing()
    index = ("GlobalSecondaryIndexName", "GSI2-StatusIndex")
    minutes = 0

    def then() -> None:
        nonlocal minutes
        minutes += 1
        if minutes == 2:
            under.put("WriteThrottleEvents", 5, index, minutes_ago=-1)
            under.put("WriteKeyRangeThroughputThrottleEvents", 5, index, minutes_ago=-1)

    time.then = then
    done = under.watch(300, time)
    assert done.told == (f"{INDEX}: 5 throttled writes (5 by one partition)",)
    assert done.is_clean


def test_a_watch_that_was_killed_goes_on_and_counts_only_what_was_watched(under: Under) -> None:
    time = Passing()

    class Killed(BaseException):
        pass

    def kill() -> None:
        if len(time.watched) == 4:
            raise Killed

    time.then = kill
    with pytest.raises(Killed):
        under.watch(600, time)
    assert under.recorded.seconds == 180
    time.then = lambda: None
    time.now += timedelta(hours=2)
    again = time.now
    done = under.watch(600, time)
    assert done.watched.seconds == 780
    assert time.now - again == timedelta(seconds=600)


def test_a_watch_that_is_over_says_so_again_after_one_look(under: Under) -> None:
    time = Passing()
    first = under.watch(60, time)
    began = time.now
    assert under.watch(60, time).watched.seconds == first.watched.seconds == 240
    assert time.now == began


def test_what_cannot_be_read_does_not_count(under: Under, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Passing()
    real = under.client.describe_alarms
    asked = 0

    def now_and_then(**parameters: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked in {3, 4}:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "DescribeAlarms")
        return real(**parameters)

    monkeypatch.setattr(under.client, "describe_alarms", now_and_then)
    began = time.now
    done = under.watch(60, time)
    assert done.told == (
        "not known: CloudWatch could not be asked (ClientError); this time does not count",
        "everything can be read again",
    )
    assert (done.watched.seconds, time.now - began) == (240, timedelta(seconds=360))


def test_a_watch_outlives_a_network_that_is_away_for_a_moment(under: Under, monkeypatch: pytest.MonkeyPatch) -> None:
    time, asked = Passing(), 0
    real = under.context.ledger.lease.holder

    def now_and_then() -> Any:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise ToolError("The AWS endpoint of stack test does not answer.")
        return real()

    monkeypatch.setattr(under.context.ledger.lease, "holder", now_and_then)
    began = time.now
    done = under.watch(60, time)
    assert done.told == (
        "not known: The AWS endpoint of stack test does not answer; this time does not count",
        "everything can be read again",
    )
    # From the look before it to the one after it nothing counts.
    assert (done.watched.seconds, time.now - began) == (240, timedelta(seconds=360))


def test_a_watch_ends_once_its_credentials_have_ended(under: Under, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended() -> Any:
        raise CredentialsEnded("AWS no longer accepts the credentials.")

    monkeypatch.setattr(under.context.ledger.lease, "holder", ended)
    with pytest.raises(CredentialsEnded):
        under.watch(60, Passing())


def test_a_metric_that_cloudwatch_does_not_give_in_full_is_no_zero(under: Under) -> None:
    class Partial:
        def get_paginator(self, name: str) -> Partial:
            return self

        def paginate(self, **request: Any) -> list[Any]:
            first, *others = request["MetricDataQueries"]
            empty: dict[str, list[float]] = {"Timestamps": [], "Values": []}
            told = [{"Id": one["Id"], "StatusCode": "Complete", **empty} for one in others[1:]]
            return [{"MetricDataResults": [{"Id": first["Id"], "StatusCode": "InternalError", **empty}, *told]}]

    series = watched_series(SCHEMA, under.context.config, Declaration().with_tables(SCHEMA))
    found = observe(Partial(), series, datetime.now(UTC) - MINUTE, datetime.now(UTC))  # type: ignore[arg-type]
    assert found.unread == series[:2]


def test_while_a_run_is_at_work_nothing_counts_and_after_it_the_watch_begins_anew(under: Under) -> None:
    time, minutes = Passing(), 0
    before = under.recorded_change()
    other = under.other_run()

    def then() -> None:
        nonlocal minutes
        minutes += 1
        if minutes == 2:
            next(other)
        if minutes == 4:
            next(other, None)

    time.then = then
    began = time.now
    done = under.watch(60, time)
    assert done.told[0].startswith("migrate by ")
    assert done.told[1:] == ("migrate has ended", "the stack was changed: the watch begins anew")
    assert done.watched.change != before
    assert (done.watched.seconds, time.now - began) == (240, timedelta(seconds=480))


def test_ctrl_c_says_what_was_watched(under: Under) -> None:
    time = Passing()
    time.then = lambda: under.context.interrupts.requested.set() if len(time.watched) == 5 else None
    with pytest.raises(Interrupted) as stopped:
        under.watch(4 * 3600, time)
    assert stopped.value.what == "Stopped, as asked: 0:05:00 of 4:00:00 watched."
    assert stopped.value.exit_code == 130


def test_a_stack_without_cloudwatch_is_not_watched(moto_stack: EmulatedStack) -> None:
    found = plain(moto_stack)
    with pytest.raises(UsageError, match="Stack test has no CloudWatch, so there is nothing to watch"):
        watch(found, 60, lambda watched: None)


def test_a_stack_to_which_nothing_was_done_is_not_watched(under: Under) -> None:
    under.context.ledger.table = under.context.config.physical_name("no-ledger")
    with pytest.raises(UsageError, match="Nothing was done to stack test yet"):
        under.watch(60, Passing())


def test_a_run_that_began_and_ended_between_two_looks_is_seen(under: Under) -> None:
    time = Passing()
    before = under.recorded_change()

    def then() -> None:
        if len(time.watched) == 2:
            list(under.other_run())

    time.then = then
    began = time.now
    done = under.watch(60, time)
    assert done.told == ("the stack was changed: the watch begins anew",)
    assert done.watched.change not in {before, ""}
    assert (done.watched.seconds, time.now - began) == (240, timedelta(seconds=360))


def test_what_was_found_while_the_ledger_was_away_ends_the_watch_all_the_same(
    under: Under, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = under.alarmed.alarms[f"{INDEX}/throttling"].name
    asked = 0

    def away(ledger: Ledger) -> Watched | None:
        nonlocal asked
        asked += 1
        if asked == 3:
            # In this look the alarm is seen to be missing.
            raise ToolError("The network is away.", "", "")
        if asked == 2:
            under.client.delete_alarms(AlarmNames=[name])
        return read(ledger)

    monkeypatch.setattr("migration.watching.record.read", away)
    done = under.watch(600, Passing())
    assert done.watched.ended_by == under.recorded.ended_by == f"alarm {name} is missing"
    assert done.told[0] == f"alarm {name} is missing"


def test_a_system_error_ends_the_watch_although_the_causes_of_throttles_cannot_be_read(
    under: Under, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(self: Watch, grown: dict[Any, float], *_: Any) -> Any:
        if not grown:
            return {}
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "GetMetricData")

    monkeypatch.setattr(Watch, "_causes", throttled)
    time = Passing()

    def then() -> None:
        if len(time.watched) == 2:
            under.put("WriteThrottleEvents", 5, ("GlobalSecondaryIndexName", "GSI2-StatusIndex"), minutes_ago=-1)
            under.put("SystemErrors", 2, ("Operation", "Query"), minutes_ago=-1)
            # The alarm on them is another way to see them.
            monkeypatch.setattr("migration.watching.watch.alarm_states", lambda *_: ())

    time.then = then
    done = under.watch(600, time)
    assert done.watched.ended_by == "personnel: 2 system errors"
    assert f"{INDEX}: 5 throttled writes" in done.told


def test_what_another_watch_has_found_is_not_forgotten(under: Under) -> None:
    time = Passing()

    def then() -> None:
        if len(time.watched) == 2:
            looked = under.recorded.looked + timedelta(seconds=30)
            write(under.context.ledger, replace(under.recorded, looked=looked, ended_by="personnel: 2 system errors"))

    time.then = then
    done = under.watch(600, time)
    assert done.told == ("another watch has found: personnel: 2 system errors",)
    assert done.watched.ended_by == under.recorded.ended_by == "another watch has found: personnel: 2 system errors"
    assert done.next == "rollback --table personnel --index GSI2-StatusIndex"
