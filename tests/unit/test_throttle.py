"""The throttle's promises, on a clock of the test's own."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo.retry import Stopped
from dynamo.throttle import BURST_SECONDS, Throttle


class Time:
    """A clock that moves only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def throttle(rate: float, time: Time) -> Throttle:
    return Throttle(rate, threading.Event(), time.clock, time.wait)


@given(
    rate=st.floats(1, 10_000),
    requests=st.lists(st.tuples(st.integers(1, 25), st.floats(0, 3)), min_size=1, max_size=200),
    window=st.floats(1, 60),
)
def test_no_window_holds_more_than_its_rate_a_burst_and_one_request(
    rate: float, requests: list[tuple[int, float]], window: float
) -> None:
    time = Time()
    held = throttle(rate, time)
    let_go: list[tuple[float, float]] = []
    for units, idle in requests:
        time.now += idle
        held.acquire(units)
        let_go.append((time.now, units))
    largest = max(units for units, _ in requests)
    for start, _ in let_go:
        within = sum(units for at, units in let_go if start <= at < start + window)
        assert within <= rate * (window + BURST_SECONDS) + largest + 1e-6


@given(rate=st.floats(1, 1000), each=st.floats(1, 25), count=st.integers(50, 200))
def test_who_always_has_work_uses_the_whole_rate(rate: float, each: float, count: int) -> None:
    time = Time()
    held = throttle(rate, time)
    for _ in range(count):
        held.acquire(each)
    assert each * count >= (time.now - 1000.0) * rate * 0.9


def test_what_the_server_says_was_used_replaces_the_estimate() -> None:
    time = Time()
    held = throttle(10, time)
    for _ in range(100):
        held.acquire(1)
        held.reconcile(1, 5)
    assert time.now - 1000 == pytest.approx(50, rel=0.05)


def test_a_request_is_never_larger_than_a_second_worth() -> None:
    time = Time()
    assert throttle(10, time).largest_request(2) == 5
    assert throttle(1, time).largest_request(100) == 1


def test_a_table_that_throttles_slows_it_down_and_quiet_lets_it_recover() -> None:
    time = Time()
    held = throttle(100, time)
    held.throttled("table")
    assert held.rate == pytest.approx(70)
    held.throttled("table")
    assert held.rate == pytest.approx(70), "one moment's throttles count once"
    time.now += 1
    held.throttled("table")
    assert held.rate == pytest.approx(70 * 1.1 * 0.7, rel=0.2)
    time.now += 10
    assert held.rate == 100


def test_the_slowest_of_several_resources_counts() -> None:
    time = Time()
    held = throttle(100, time)
    held.throttled("table/index/a")
    time.now += 1
    held.throttled("table/index/a")
    held.throttled("table/index/b")
    assert held.rate < 60


def test_whoever_has_no_limit_is_slowed_to_below_what_was_seen() -> None:
    time = Time()
    held = throttle(1e9, time)
    for _ in range(40):
        held.acquire(25)
        time.now += 0.1
    held.throttled("table")
    assert 100 < held.rate < 250


def test_who_waits_is_stopped() -> None:
    time = Time()
    stop = threading.Event()
    held = Throttle(1, stop, time.clock, lambda seconds: stop.set())
    held.acquire(100)
    with pytest.raises(Stopped):
        held.acquire(1)
