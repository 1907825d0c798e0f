"""When an index is read-ready: what the record of the scans for late writers says, rule by rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stack.file.settings import LateWriterSettings
from stack.gates.late_writers import (
    MISSED_LOOKS,
    Look,
    earliest,
    is_gap,
    next_look,
    recorded,
    unready,
    wants_every_value,
)
from stack.ledger.records import LateWritersProof

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = LateWriterSettings.model_validate({"minutes": 60, "everyMinutes": 10, "leastWrites": 1})
AT_ONCE = LateWriterSettings.model_validate({"minutes": 0, "everyMinutes": 10, "leastWrites": 0})


def look(minute: float, late: int = 0, stale: int | None = None) -> Look:
    began = START + timedelta(minutes=minute)
    return Look(began, began + timedelta(seconds=30), scanned=100, late=late, stale=stale)


def record(*looks: Look, settings: LateWriterSettings = HOUR) -> LateWritersProof:
    found: LateWritersProof | None = None
    for one in looks:
        found = recorded("reports", found, one, settings)
    assert found is not None
    return found


def test_an_index_is_read_ready_after_a_window_without_late_writers() -> None:
    looks = [look(minute) for minute in range(0, 70, 10)]
    early = record(*looks[:-1])
    assert unready(early, HOUR, 5) == "no late writer since 2026-01-01T00:00:00Z; read-ready at 2026-01-01T01:00:00Z"
    assert unready(record(*looks), HOUR, 5) == ""


def test_a_late_item_begins_the_window_anew() -> None:
    found = record(look(0), look(10, late=3), look(20))
    assert found.clean_since == START + timedelta(minutes=10, seconds=30)
    assert earliest(found, HOUR) == START + timedelta(minutes=70, seconds=30)
    assert (found.late, found.last_late, found.looks) == (3, 0, 3)
    text = "3 items of a late writer at 2026-01-01T00:10:00Z, 3 in all"
    assert unready(record(look(0), look(10, late=3)), HOUR, 5) == text


def test_a_gap_between_looks_begins_the_record_anew_with_a_look_at_every_value() -> None:
    found = record(look(0), look(10))
    late = START + timedelta(minutes=10 + 10 * MISSED_LOOKS + 1)
    assert is_gap(found, late, HOUR)
    assert wants_every_value(found, late, HOUR)
    again = recorded("reports", found, look(41), HOUR)
    assert (again.gaps, again.looks, again.clean_since) == (1, 1, START + timedelta(minutes=41))


def test_every_value_is_looked_at_first_and_at_the_end_of_the_window_only() -> None:
    found = record(look(0), look(10))
    assert wants_every_value(None, START, HOUR)
    assert not wants_every_value(found, START + timedelta(minutes=20), HOUR)
    assert wants_every_value(found, START + timedelta(minutes=60), HOUR)
    assert not wants_every_value(None, START, AT_ONCE)


def test_a_window_in_which_the_application_did_not_write_shows_nothing() -> None:
    found = record(*(look(minute) for minute in range(0, 70, 10)))
    assert unready(found, HOUR, 0) == (
        "no late writer since 2026-01-01T00:00:00Z, but the application used 0 of the 1 write units that would show "
        "that it writes"
    )


def test_values_that_were_stale_before_are_no_late_writers_and_those_that_go_stale_are() -> None:
    before = record(look(0, stale=7))
    assert before.last_late == 0
    assert recorded("reports", before, look(10, stale=7), HOUR).last_late == 0
    assert recorded("reports", before, look(10, stale=9), HOUR).last_late == 2


def test_without_a_window_one_clean_look_is_enough() -> None:
    assert unready(record(look(0), settings=AT_ONCE), AT_ONCE, 0) == ""
    assert unready(record(look(0, late=1), settings=AT_ONCE), AT_ONCE, 0) != ""


def test_the_next_look_is_due_after_the_interval_or_at_the_end_of_the_window() -> None:
    found = record(look(0), look(10), look(20), look(30), look(40), look(55))
    assert next_look(found, HOUR) == START + timedelta(minutes=60)
    assert next_look(record(look(0)), HOUR) == START + timedelta(minutes=10)


@given(looks=st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0, 0, 0, 2])), min_size=1, max_size=30))
def test_an_index_is_never_ready_within_a_window_of_a_late_item_or_of_a_gap(looks: list[tuple[int, int]]) -> None:
    found: LateWritersProof | None = None
    minute, quiet_since, ended = 0.0, 0.0, None
    for pause, late in looks:
        minute += pause
        if ended is None or minute - ended > MISSED_LOOKS * HOUR.every_minutes:
            quiet_since = minute
        found = recorded("reports", found, look(minute, late), HOUR)
        ended = minute + 0.5
        if late:
            quiet_since = ended
        ready = unready(found, HOUR, 100) == ""
        assert ready == (minute - quiet_since >= HOUR.minutes and not late)
