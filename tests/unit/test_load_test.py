"""What a load test sends and when, how it measures and judges, what it costs. Pure, by a clock that is handed in."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from dynamo.sizes import indexed, item_size
from loadtest.arrivals import poisson
from loadtest.driving import Request, Time, drive
from loadtest.items import MARK, Source, source
from loadtest.measuring import Figures, Latencies, Measurement, cause_of, covered, judged
from loadtest.mix import Line, Reading, Writing, read_units, units_of_new, weighed
from loadtest.records import slowest
from schema.errors import Interrupted
from schema.model import AccessPattern, Index, Table
from schema.parts import Attribute, AttributeType, BillingMode, Projection, ProjectionType
from sitelogix.tables import PERSONNEL, REPORTS

ITEM: dict[str, Any] = {"PK": {"S": "REPORT#1"}, "SK": {"S": "METADATA"}, "project_id": {"S": "p1"}}
NUMBERED = Table("numbered", Attribute("id", AttributeType.NUMBER), billing_mode=BillingMode.ON_DEMAND)


@dataclass
class Clock:
    """Time that passes only by sleeping, and by being served."""

    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def time(self) -> Time:
        return Time(lambda: self.now, self.sleep)

    def served_in(self, *seconds: float) -> Callable[[], Request]:
        """Requests of which the first take so long, and all others nothing."""
        times = iter(seconds)

        def serve() -> None:
            self.now += next(times, 0.0)

        return lambda: Request("read", serve)


def test_time_is_measured_from_when_a_request_should_have_begun() -> None:
    """A client that waits for each answer would have measured one slow request, and nine fast ones."""
    clock, measured = Clock(), Measurement()
    due = [number / 10 for number in range(10)]
    drive(iter(due), clock.served_in(1.0), measured, lambda: None, workers=1, clock=clock.time)
    found = measured.kinds["read"]
    # The first stalls for a second; each later one waits for what is left of it.
    assert found.requests == 10
    assert found.p50 == pytest.approx(500, rel=0.001)
    assert found.longest == pytest.approx(1000, rel=0.001)
    assert measured.last_sent == pytest.approx(1.0)


def test_requests_begin_at_their_times_and_not_one_after_the_other() -> None:
    clock, measured = Clock(), Measurement()
    sent: list[float] = []
    drive(
        iter([0.5, 1.0, 4.0]),
        lambda: Request("read", lambda: sent.append(clock.now)),
        measured,
        lambda: None,
        workers=1,
        clock=clock.time,
    )
    assert sent == pytest.approx([0.5, 1.0, 4.0])
    assert measured.late == pytest.approx(0, abs=0.01)


def test_what_fails_is_counted_by_its_cause_and_the_test_goes_on() -> None:
    clock, measured = Clock(), Measurement()
    number = 0

    def take() -> Request:
        nonlocal number
        number += 1
        return Request("read", failing(THROTTLED) if number % 2 else lambda: None)

    drive(iter([0.1, 0.2, 0.3]), take, measured, lambda: None, workers=1, clock=clock.time)
    assert measured.all.errors == {"throttled: IndexReadKeyRangeThroughputExceeded of t/i": 2}
    assert (measured.all.requests, measured.all.failed) == (3, 2)


def test_a_denied_request_ends_the_test() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "Query")
    with pytest.raises(ClientError):
        drive(iter([0.1, 0.2]), lambda: Request("read", failing(denied)), Measurement(), lambda: None, 1, Clock().time)


def test_a_test_that_is_stopped_sends_nothing_more() -> None:
    clock, sent = Clock(), list[float]()

    def safe_point() -> None:
        if len(sent) == 2:
            raise Interrupted("Stopped.")

    with pytest.raises(Interrupted):
        drive(
            iter([1.0, 2.0, 3.0]),
            lambda: Request("read", lambda: sent.append(clock.now)),
            Measurement(),
            safe_point,
            workers=1,
            clock=clock.time,
        )
    assert sent == pytest.approx([1.0, 2.0])


def failing(error: Exception) -> Callable[[], object]:
    def send() -> None:
        raise error

    return send


THROTTLED = ClientError(
    {
        "Error": {"Code": "ThrottlingException", "Message": ""},
        "throttlingReasons": [
            {
                "reason": "IndexReadKeyRangeThroughputExceeded",
                "resource": "arn:aws:dynamodb:us-east-1:123456789012:table/t/index/i",
            }
        ],
    },  # type: ignore[typeddict-unknown-key]
    "Query",
)


def test_the_cause_of_an_error_is_what_aws_says_of_it() -> None:
    assert cause_of(THROTTLED) == "throttled: IndexReadKeyRangeThroughputExceeded of t/i"
    plain = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "Query")
    assert cause_of(plain) == "throttled: ProvisionedThroughputExceededException"
    refused = ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
    assert cause_of(refused) == "ConditionalCheckFailedException"
    assert cause_of(ReadTimeoutError(endpoint_url="http://x")) == "ReadTimeoutError"


@given(st.floats(0.5, 200), st.floats(0.1, 20), st.integers())
def test_arrivals_are_in_order_within_the_time_and_the_same_for_a_seed(rate: float, seconds: float, seed: int) -> None:
    found = list(poisson(rate, seconds, random.Random(seed)))
    assert found == sorted(found)
    assert all(0 <= at < seconds for at in found)
    assert found == list(poisson(rate, seconds, random.Random(seed)))


def test_arrivals_come_at_the_rate_and_independently() -> None:
    found = list(poisson(50, 2000, random.Random(7)))
    gaps = [later - earlier for earlier, later in pairwise(found)]
    mean = sum(gaps) / len(gaps)
    assert len(found) == pytest.approx(100_000, rel=0.01)
    assert mean == pytest.approx(1 / 50, rel=0.01)
    # Of an exponential distribution the standard deviation is the mean.
    assert (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 == pytest.approx(mean, rel=0.02)


@given(st.lists(st.integers(1, 600_000_000), min_size=1, max_size=300))
def test_a_percentile_is_at_most_a_thousandth_above_the_true_one(microseconds: list[int]) -> None:
    times = Latencies()
    for each in microseconds:
        times.add(each / 1e6)
    ordered = sorted(microseconds)
    for percent in (50.0, 95.0, 99.0):
        place = max(1, int(percent * len(ordered) / 100 + 0.5))
        true = ordered[place - 1] / 1000
        assert true - 0.001 <= times.percentile(percent) <= true * 1.001 + 0.001


def figures(p99: float = 50.0, requests: int = 100, **errors: int) -> Figures:
    return Figures(requests, errors, 10.0, 20.0, p99, 60.0, 70.0)


@pytest.mark.parametrize(
    ("kinds", "everything", "reached", "holds"),
    [
        ({"a": figures(), "b": figures(99.9)}, figures(), 10.0, [True, True, True]),
        ({"a": figures(), "b": figures(100.1)}, figures(), 10.0, [False, True, True]),
        ({"a": figures()}, figures(InternalServerError=1), 10.0, [True, False, True]),
        ({"a": figures()}, figures(), 9.5, [True, True, True]),
        ({"a": figures()}, figures(), 9.49, [True, True, False]),
        ({}, figures(requests=0), 0.0, [False, True, False]),
        ({"a": figures(0.0, 5, X=5)}, figures(0.0, 5, X=5), 10.0, [False, False, False]),
    ],
)
def test_a_test_is_passed_if_each_kind_is_fast_nothing_failed_and_the_rate_was_reached(
    kinds: dict[str, Figures], everything: Figures, reached: float, holds: list[bool]
) -> None:
    claims = judged(kinds, everything, due=10.0, reached=reached, late=1.5, limit=100.0)
    assert [claim.holds for claim in claims] == holds


def test_a_kind_of_request_that_was_not_sent_is_missing_from_a_verdict() -> None:
    assert covered(["a", "b"], {"a": figures(), "b": figures()}, {}).holds
    claim = covered(["a", "b"], {"a": figures()}, {"c": "no item was found that it reads"})
    assert not claim.holds
    assert claim.evidence == "'b': none was sent; 'c': no item was found that it reads"
    assert not covered([], {}, {}).holds


def test_a_verdict_names_what_was_slow_what_failed_and_what_was_reached() -> None:
    claims = judged({"a": figures(143.2)}, figures(Oops=3), due=10.0, reached=4.0, late=2500.0, limit=100.0)
    assert [claim.evidence for claim in claims] == [
        "'a': 143.2 ms",
        "3 × Oops",
        "4.0 of 10.0 requests a second; 99 of 100 were sent within 2,500.0 ms of their time",
    ]


def test_of_many_slow_kinds_a_verdict_names_the_slowest_three() -> None:
    kinds = {f"k{number}": figures(100.0 + number) for number in range(1, 6)}
    claim, *_ = judged(kinds, figures(), due=10.0, reached=10.0, late=0.0, limit=100.0)
    assert claim.evidence == "'k5': 105.0 ms; 'k4': 104.0 ms; 'k3': 103.0 ms; 2 more"


def reading(name: str, table: Table = REPORTS, index: str | None = None) -> Reading:
    pattern = AccessPattern(name, table.name, index)
    return Reading(pattern, table, table.index(index) if index else None, ({"S": "REPORT#1"},), 2.5)


def writing(table: Table) -> Writing:
    return Writing(table, Source("PK", "SK", (ITEM,), "~m-"), 3.0)


def test_access_patterns_are_sent_by_their_weights_and_new_items_as_the_share_says() -> None:
    mix = weighed([reading("a"), reading("b"), reading("c")], [writing(REPORTS)], {}, {"a": 3.0, "c": 0.0}, 0.2)
    lines = {line.name: line for line in mix.lines(100, 60)}
    assert {name: round(line.rate, 6) for name, line in lines.items()} == {
        "a": 60.0,
        "b": 20.0,
        "new items of reports": 20.0,
    }
    chance = random.Random(3)
    drawn = Counter(mix.draw(chance).name for _ in range(20_000))
    assert {name: round(count / 20_000, 1) for name, count in drawn.items()} == {
        "a": 0.6,
        "b": 0.2,
        "new items of reports": 0.2,
    }


def test_new_items_go_to_tables_as_their_access_patterns_do() -> None:
    mix = weighed(
        [reading("a"), reading("b"), reading("c", PERSONNEL)], [writing(REPORTS), writing(PERSONNEL)], {}, {}, 0.25
    )
    rates = {line.name: round(line.rate, 6) for line in mix.lines(4, 1)}
    assert rates["new items of reports"] == pytest.approx(2 / 3, abs=1e-5)
    assert rates["new items of personnel"] == pytest.approx(1 / 3, abs=1e-5)


def test_without_writes_the_whole_rate_is_reads() -> None:
    mix = weighed([reading("a")], [], {}, {}, 0.5)
    assert [line.rate for line in mix.lines(10, 1)] == [10]


def test_what_a_kind_of_request_costs() -> None:
    reads = Line("a", rate=60, units=2.5, writes=False, seconds=600)
    assert [reads.units_in_all, reads.dollars] == pytest.approx([90_000, 0.01125])
    # What is written is removed again.
    writes = Line("b", rate=20, units=3, writes=True, seconds=600)
    assert [writes.units_in_all, writes.dollars] == pytest.approx([72_000, 0.045])


@pytest.mark.parametrize(
    ("sizes", "items", "units"), [([], 25, 0.5), ([100], 1, 0.5), ([4096], 1, 0.5), ([4097], 1, 1.0), ([1024], 25, 3.5)]
)
def test_an_eventually_consistent_read_takes_half_a_unit_for_each_4_kb(
    sizes: list[int], items: int, units: float
) -> None:
    assert read_units(sizes, items) == units


def test_a_new_item_costs_its_table_and_each_index_that_it_enters() -> None:
    large = {**ITEM, "text": {"S": "x" * 2000}}
    everything = Index("ByProject", Attribute("project_id"))
    keys = Index("ByKeys", Attribute("project_id"), projection=Projection(ProjectionType.KEYS_ONLY))
    another = Index("ByOther", Attribute("other"))
    assert units_of_new((large,), REPORTS, (everything, keys, another)) == 2 + 2 + 1
    assert units_of_new((large, ITEM), REPORTS, ()) == 1.5
    assert indexed(large, keys, ("PK", "SK")) == ITEM
    assert indexed(large, another, ("PK", "SK")) is None


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "Zoë"}, 4),
        ({"N": "12345"}, 4),
        ({"N": "-1.5"}, 2),
        ({"B": b"abc"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"BS": [b"ab"]}, 2),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + 1 + 2 + 1 + 1),
        ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 2 + 1),
    ],
)
def test_the_size_of_an_item(value: dict[str, Any], size: int) -> None:
    assert item_size({"n": value}) == 1 + size


def test_a_new_item_is_as_a_real_one_but_for_a_key_that_carries_the_mark() -> None:
    made = source(REPORTS, [ITEM, {**ITEM, "PK": {"S": "REPORT#2"}}], f"{MARK}ab12-")
    assert isinstance(made, Source)
    assert made.item(0) == {**ITEM, "PK": {"S": "REPORT#1~keyshift-loadtest-ab12-0"}}
    assert made.item(3)["PK"] == {"S": "REPORT#2~keyshift-loadtest-ab12-3"}
    assert made.stems == [
        {"PK": {"S": "REPORT#1"}, "SK": {"S": "METADATA"}},
        {"PK": {"S": "REPORT#2"}, "SK": {"S": "METADATA"}},
    ]


def test_items_that_are_too_large_or_new_themselves_are_no_templates() -> None:
    large = {**ITEM, "text": {"S": "x" * 20_000}}
    long = {**ITEM, "PK": {"S": "R" * 600}}
    ours = {**ITEM, "PK": {"S": f"REPORT#1{MARK}cd34-7"}}
    assert source(REPORTS, [large, long, ours], f"{MARK}ab12-") == "it has no item that a new one could be made from"
    made = source(REPORTS, [large, ITEM, *[ITEM] * 20], f"{MARK}ab12-")
    assert isinstance(made, Source)
    assert made.templates == (ITEM,) * 8


def test_a_key_that_is_no_text_can_carry_no_mark() -> None:
    assert source(NUMBERED, [{"id": {"N": "1"}}], f"{MARK}ab12-") == (
        "its partition key id is no text, so a new key cannot carry a mark"
    )


def test_the_ledger_keeps_the_slowest_kinds_and_no_more_than_fifty() -> None:
    kinds = {f"k{number:03}": {"p99": float(number)} for number in range(80)}
    assert list(slowest(kinds)) == [f"k{number:03}" for number in range(30, 80)]


def test_causes_beyond_twenty_are_counted_together() -> None:
    measured = Measurement()
    for number in range(25):
        measured.add("read", 0, 0, 0.01, f"cause {number}")
    assert len(measured.all.errors) == 21
    assert measured.all.errors["other causes"] == 5
