"""What a watch tells, what ends it, how long it counts, and which command it advises. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.watching.changes import Found, Known, of_counts
from migration.watching.newest import advised, newest_change
from migration.watching.record import GAP, Watched, goes_on
from schema.references import IndexRef, Subject
from sitelogix.tables import SITELOGIX
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.ledger.history import History
from stack.ledger.ledger import Facts, Ledger
from stack.monitoring.alarms import Metric
from stack.monitoring.observing import (
    LATENCY,
    READS,
    SYSTEM_ERRORS,
    USER_ERRORS,
    WRITES,
    Observed,
    Series,
    causes_of,
    dollars_an_hour,
    watched_series,
)
from stack.world.world import ALARM, MISSING, OK, AlarmState
from tests.worlds import settings

AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
INDEX = IndexRef("reports", "GSI3-StatusIndex")
FRESH = Watched(change="run-1", began=AT, looked=AT)


def series(what: str, subject: Subject | None = "reports", operation: str = "") -> Series:
    return Series(what, subject, Metric(what, (), "Sum"), operation)


def alarm(state: str, name: str = "a", subject: Subject | None = INDEX) -> AlarmState:
    return AlarmState(name, subject, state)


def test_the_time_between_two_looks_counts_if_they_are_at_most_three_minutes_apart() -> None:
    assert FRESH.after(AT + MINUTE, counts=True).seconds == 60
    assert FRESH.after(AT + GAP, counts=True).seconds == 180
    after_a_kill = FRESH.after(AT + GAP + timedelta(seconds=1), counts=True)
    assert (after_a_kill.seconds, after_a_kill.looked) == (0, AT + GAP + timedelta(seconds=1))


def test_time_in_which_a_run_was_at_work_or_something_could_not_be_read_does_not_count() -> None:
    watched = FRESH.after(AT + MINUTE, counts=False)
    assert watched.seconds == 0
    assert watched.after(AT + 2 * MINUTE, counts=True).seconds == 60


@given(st.lists(st.tuples(st.integers(0, 3600), st.booleans()), max_size=30))
def test_never_more_is_counted_than_was_watched(looks: list[tuple[int, bool]]) -> None:
    watched, now, covered = FRESH, AT, 0
    for seconds, counts in looks:
        now += timedelta(seconds=seconds)
        watched = watched.after(now, counts)
        covered += seconds if counts and seconds <= 180 else 0
    assert watched.seconds == covered
    assert watched.looked == now


def test_a_watch_goes_on_after_a_kill_and_begins_anew_after_a_change_or_a_find() -> None:
    before = Watched(change="run-1", began=AT, looked=AT + MINUTE, seconds=60)
    later = AT + 5 * MINUTE
    assert goes_on(before, "run-1", later) == before
    anew = Watched(change="run-2", began=later, looked=later)
    assert goes_on(before, "run-2", later) == anew
    found = Watched(change="run-2", began=AT, looked=AT + MINUTE, seconds=60, ended_by="alarm a fires")
    assert goes_on(found, "run-2", later) == anew
    assert goes_on(None, "run-2", later) == anew


def test_an_alarm_is_told_when_its_state_changes_and_ends_the_watch_when_it_fires_or_is_missing() -> None:
    known = Known()
    assert known.of_alarms([alarm(OK)]) == []
    assert known.of_alarms([alarm(OK)]) == []
    assert known.of_alarms([alarm(ALARM)]) == [Found("alarm a fires", INDEX, ends=True)]
    assert known.of_alarms([alarm(ALARM)]) == []
    assert known.of_alarms([alarm(OK)]) == [Found("alarm a is OK", INDEX)]
    assert Known().of_alarms([alarm(MISSING)]) == [Found("alarm a is missing", INDEX, ends=True)]


def test_an_alarm_without_data_is_told_as_such_and_is_not_called_ok() -> None:
    known = Known()
    assert known.of_alarms([alarm("INSUFFICIENT_DATA")]) == [Found("alarm a has no data yet", INDEX)]
    assert known.alarms == {"a": "INSUFFICIENT_DATA"}


def test_a_minute_that_grows_is_told_once_by_what_was_added() -> None:
    known, throttles = Known(), series(READS)
    assert known.more(Observed({throttles: {AT: 3}}), AT) == {throttles: 3}
    assert known.more(Observed({throttles: {AT: 3}}), AT) == {}
    assert known.more(Observed({throttles: {AT: 5, AT + MINUTE: 1}}), AT) == {throttles: 3}


def test_a_minute_before_the_watch_is_not_its_business() -> None:
    assert Known().more(Observed({series(SYSTEM_ERRORS): {AT - MINUTE: 9}}), AT) == {}


def test_throttles_are_told_with_their_causes_and_do_not_end_a_watch() -> None:
    throttles = series(WRITES, INDEX)
    causes = {throttles: {"one partition": 10.0, "its provisioned capacity": 2.0, "the account's limit": 0.0}}
    assert list(of_counts({throttles: 12}, causes)) == [
        Found(f"{INDEX}: 12 throttled writes (10 by one partition, 2 by its provisioned capacity)", INDEX)
    ]
    assert list(of_counts({throttles: 1200}, {})) == [Found(f"{INDEX}: 1,200 throttled writes", INDEX)]


def test_one_system_error_of_any_operation_ends_a_watch() -> None:
    grown = {series(SYSTEM_ERRORS, operation="Query"): 1.0, series(SYSTEM_ERRORS, operation="PutItem"): 2.0}
    assert list(of_counts(grown, {})) == [Found("reports: 3 system errors", "reports", ends=True)]


def test_refused_requests_of_the_account_are_told_and_end_a_watch_only_by_their_alarm() -> None:
    found = list(of_counts({series(USER_ERRORS, None): 7.0}, {}))
    assert found == [Found("the account: 7 requests were refused (user errors)")]


def test_an_operation_is_told_when_it_becomes_slow_and_when_it_is_fast_again() -> None:
    known, reads = Known(), series(LATENCY, operation="Query")

    def told(values: dict[datetime, float]) -> list[str]:
        return [found.text for found in known.of_latency(Observed({reads: values}))]

    assert told({AT: 100}) == []
    assert told({AT: 100, AT + MINUTE: 143}) == [
        "Query of reports: 143 ms on average at 2026-01-01T12:01:00Z, above 100 ms"
    ]
    assert told({AT + MINUTE: 143}) == []
    assert told({}) == []
    assert told({AT + 2 * MINUTE: 8}) == [
        "Query of reports: 8 ms on average at 2026-01-01T12:02:00Z, below 100 ms again"
    ]


def test_what_cannot_be_read_is_told_once_and_so_is_its_return() -> None:
    known = Known()
    assert known.of_reading(["latency of reports"]) == [
        Found("not known: latency of reports; this time does not count")
    ]
    assert known.of_reading(["latency of reports"]) == []
    assert known.of_reading([]) == [Found("everything can be read again")]
    assert known.of_reading([]) == []


def test_what_was_counted_is_forgotten_once_it_is_read_no_more() -> None:
    known = Known()
    known.more(Observed({series(READS): {AT: 1}}), AT)
    known.forget(AT + 9 * MINUTE)
    assert len(known.counts) == 1
    known.forget(AT + 10 * MINUTE)
    assert known.counts == {}


class Kept(Ledger):
    """A ledger that holds nothing but a history: its records, newest first."""

    def __init__(self, history: Iterable[Facts]) -> None:
        self._history = history

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]:
        assert (partition, newest_first) == ("HISTORY", True)
        return iter(self._history)


def test_the_newest_change_is_found_behind_weeks_of_scans_for_late_writers() -> None:
    def recorded(id: str, kind: str, what: str) -> Facts:
        return {"SK": f"{id}#{kind}", "what": what, "by": "ci", "at": "", "result": "done", "facts": {}}

    scans = [recorded(f"{n}", kind, "late-writers") for n in range(9_000, 0, -1) for kind in ("2-ended", "1-began")]
    run = [recorded("0", "2-ended", "migrate"), recorded("0", "1-began", "migrate")]
    found = newest_change(History(Kept([*scans, *run]), lambda: "a test", ""))
    assert found is not None
    assert (found.id, found.what) == ("0", "migrate")
    assert newest_change(History(Kept(scans), lambda: "a test", "")) is None


STEPS = [
    "verify",
    "remove-index personnel/GSI2-ProjectIndex",
    "create-tables work-logs, ai-analysis-cache",
    "verify-index reports/GSI3-StatusIndex",
    "create-index reports/GSI3-StatusIndex",
    "backfill vendors",
    "create-index personnel/GSI2-StatusIndex",
    "backfill personnel",
]
"""Newest first."""


@pytest.mark.parametrize(
    ("subject", "command"),
    [
        (None, "rollback --table personnel --index GSI2-ProjectIndex"),
        (IndexRef("personnel", "GSI2-StatusIndex"), "rollback --table personnel --index GSI2-StatusIndex"),
        ("personnel", "rollback --table personnel --index GSI2-ProjectIndex"),
        (IndexRef("personnel", "GSI1-NameIndex"), "rollback --table personnel --index GSI2-ProjectIndex"),
        ("reports", "rollback --table reports --index GSI3-StatusIndex"),
        ("work-logs", "rollback --new-tables"),
        (IndexRef("ai-analysis-cache", "GSI1-TypeIndex"), "rollback --new-tables"),
        ("vendors", "rollback --backfill vendors"),
        ("constraints", "rollback --table personnel --index GSI2-ProjectIndex"),
    ],
)
def test_the_advice_takes_back_what_was_last_done_to_what_the_alarm_is_about(
    subject: Subject | None, command: str
) -> None:
    assert advised(STEPS, subject) == command


def test_where_nothing_was_changed_there_is_nothing_to_take_back() -> None:
    assert advised(["verify", "backup reports", "adopt reports"], "reports") == "status"


def test_a_look_reads_what_the_size_of_the_stack_asks_for_and_says_what_that_costs() -> None:
    config = StackConfig(
        stack="test", checkout=Path(), settings=settings(), region="us-east-1", project="things", endpoint=None
    )
    found = watched_series(SITELOGIX, config, Declaration().with_tables(SITELOGIX))
    # Six tables with 14 indexes: 2 for each of the 20, 20 more for each table, and the account's.
    assert len(found) == 2 * 20 + 20 * 6 + 1 == 161
    assert len({(one.metric.name, one.metric.dimensions) for one in found}) == 161
    assert dollars_an_hour(161, 47) == pytest.approx(0.0972)


def test_the_causes_of_throttles_are_read_of_the_same_index() -> None:
    metric = Metric("WriteThrottleEvents", (("TableName", "t"), ("GlobalSecondaryIndexName", "i")), "Sum")
    causes = causes_of(Series(WRITES, INDEX, metric))
    assert {one.metric.name for one in causes} == {
        "WriteProvisionedThroughputThrottleEvents",
        "WriteMaxOnDemandThroughputThrottleEvents",
        "WriteKeyRangeThroughputThrottleEvents",
        "WriteAccountLimitThrottleEvents",
    }
    assert {one.metric.dimensions for one in causes} == {metric.dimensions}
    assert {one.metric.name[:4] for one in causes_of(Series(READS, INDEX, metric))} == {"Read"}
