"""What stops a running backfill, and what slows it down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from migration.session.reading import StopSignals
from schema.errors import ToolError
from stack.ledger.records import Pause

SOON = 5.0
ASKED = Pause(by="somebody", at=datetime(2026, 1, 1, 12, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migration.session.reading.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("migration.session.reading.METRIC_SECONDS", 0.0)


def test_a_pause_stops_it_and_says_who_asked() -> None:
    stop = threading.Event()
    answers: Iterator[Pause | None] = iter([None, None, ASKED])
    signals = StopSignals(stop, lambda: False, lambda: next(answers), lambda: 0.0)
    with signals.listening(lambda: None):
        assert stop.wait(SOON)
    assert signals.pause == ASKED


def test_it_gives_way_only_while_the_tables_throttled_writes_grow() -> None:
    figures = iter([5.0, 5.0, 3.0, 8.0])
    seen: list[float] = []
    done = threading.Event()
    gave_way: list[int] = []

    def throttles() -> float:
        figure = next(figures, None)
        if figure is None:
            done.set()
            return 8.0
        seen.append(figure)
        return figure

    signals = StopSignals(threading.Event(), lambda: False, lambda: None, throttles)
    with signals.listening(lambda: gave_way.append(len(seen))):
        assert done.wait(SOON)
    assert gave_way == [1, 4]


def test_a_question_that_fails_stops_nothing() -> None:
    stop = threading.Event()
    asked = threading.Event()
    calls: list[int] = []

    def paused() -> None:
        calls.append(1)
        if len(calls) > 2:
            asked.set()
        raise ToolError("no answer", "", "")

    with StopSignals(stop, lambda: False, paused, lambda: 0.0).listening(lambda: None):
        assert asked.wait(SOON)
    assert not stop.is_set()


def test_an_interruption_stops_it_without_a_pause() -> None:
    stop = threading.Event()
    signals = StopSignals(stop, lambda: True, lambda: None, lambda: 0.0)
    with signals.listening(lambda: None):
        assert stop.wait(SOON)
    assert signals.pause is None
