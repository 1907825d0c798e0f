"""The one reader of tables: every kind of read finds what is there, counts its units, and keeps to its rate."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo.expressions import Expressions
from dynamo.reader import Reader
from dynamo.retry import Retry, Stopped
from dynamo.throttle import Throttle
from dynamo.units import UNLIMITED
from migration.checks.verify import no_item_missed
from sitelogix.tables import REPORTS
from tests.backfilling import report
from tests.conftest import EmulatedStack

EVERYTHING = Expressions()


class Heard:
    """A client that keeps the requests, and answers some of them with an error first."""

    def __init__(self, client: Any, *errors: str) -> None:
        self._client = client
        self._errors = list(errors)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def request(**parameters: Any) -> Any:
            self.requests.append((name, parameters))
            if self._errors:
                raise ClientError({"Error": {"Code": self._errors.pop(0), "Message": "planted"}}, name)
            return getattr(self._client, name)(**parameters)

        return request


def numbers(items: Any) -> list[int]:
    return sorted(int(item["PK"]["S"].removeprefix("REPORT#")) for item in items)


def test_segments_hold_every_item_once(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(number) for number in range(50)])
    reader = Reader.paced(moto_stack.client, physical)
    pages = [page for segment in range(4) for page in reader.scan(EVERYTHING, segment, 4, most_a_page=3)]
    assert numbers(item for page in pages for item in page.items) == list(range(50))
    assert max(len(page.items) for page in pages) <= 3
    assert reader.units == sum(page.units or 0.0 for page in pages) > 0


def test_a_query_looks_at_no_more_than_it_is_told_and_goes_either_way(moto_stack: EmulatedStack) -> None:
    items = [{"PK": {"S": "REPORT#1"}, "SK": {"S": f"{number:02}"}} for number in range(20)]
    physical = moto_stack.create("reports", items)
    reader = Reader.paced(moto_stack.client, physical)
    for backwards, expected in ((False, items[:7]), (True, items[:-8:-1])):
        wanted = Expressions(["PK", "SK"]).under(REPORTS.keys, {"S": "REPORT#1"})
        pages = reader.query(wanted, most=7, backwards=backwards, consistent=True)
        assert [item for page in pages for item in page.items] == expected
    narrowed = Expressions().under(REPORTS.keys, {"S": "REPORT#1"}, "1")
    assert [item for page in reader.query(narrowed) for item in page.items] == items[10:]


def test_items_are_read_by_their_keys_and_missing_ones_are_left_out(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(number, body="x") for number in range(150)])
    client: Any = Heard(moto_stack.client)
    reader = Reader.paced(client, physical)
    found = list(reader.items([report(number) for number in range(100, 250)], ["PK"]))
    assert numbers(found) == list(range(100, 150))
    assert {frozenset(item) for item in found} == {frozenset({"PK"})}
    assert [len(asked["RequestItems"][physical]["Keys"]) for _, asked in client.requests] == [100, 50]
    assert reader.item(report(7)) == report(7, body="x")
    assert reader.item(report(200)) is None


def test_a_throttled_request_is_repeated_and_slows_the_reader_down(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1)])
    client: Any = Heard(moto_stack.client, "ProvisionedThroughputExceededException")
    stop = threading.Event()
    throttle = Throttle(100.0, stop)
    reader = Reader(client, physical, Retry(physical, stop, throttle.throttled), throttle)
    assert numbers(reader.page(EVERYTHING).items) == [1]
    assert len(client.requests) == 2
    assert throttle.rate == pytest.approx(70, rel=0.2)


def test_an_error_that_would_come_again_is_raised_at_once(moto_stack: EmulatedStack) -> None:
    client: Any = Heard(moto_stack.client, "ValidationException")
    with pytest.raises(ClientError, match="planted"):
        Reader.paced(client, "things").page(EVERYTHING)
    assert len(client.requests) == 1


def test_a_reader_that_is_stopped_sends_nothing_more(moto_stack: EmulatedStack) -> None:
    stop = threading.Event()
    stop.set()
    client: Any = Heard(moto_stack.client)
    reader = Reader(client, "things", Retry("things", stop, lambda resource: None), Throttle(UNLIMITED, stop))
    with pytest.raises(Stopped):
        reader.page(EVERYTHING)
    assert client.requests == []


@pytest.mark.parametrize(
    ("rate", "consistent", "limit"),
    [(UNLIMITED, True, None), (256.0, True, None), (64.0, True, 64), (64.0, False, 128), (1.0, True, 1)],
)
def test_a_page_takes_about_a_second_of_the_rate(
    moto_stack: EmulatedStack, rate: float, consistent: bool, limit: int | None
) -> None:
    """Items of 4 KB: one unit each when read consistently, half a unit else."""
    client: Any = Heard(moto_stack.client)
    physical = moto_stack.create("reports", [report(1)])
    reader = Reader.paced(client, physical, rate, size=4096 * 1000, item_count=1000)
    reader.page(EVERYTHING, segments=4, consistent=consistent)
    ((_, asked),) = client.requests
    assert asked.get("Limit") == limit


def test_verify_keeps_to_the_rate_of_its_reader(moto_stack: EmulatedStack) -> None:
    """Twenty items of 8 KB at 20 units a second: no page looks at more than ten of them."""
    filled = {"status": "published", "timestamp": "2025"}
    physical = moto_stack.create("reports", [report(number, **filled) for number in range(19)] + [report(19)])
    client: Any = Heard(moto_stack.client)
    reader = Reader.paced(client, physical, 20.0, size=8192 * 20, item_count=20)
    claim = no_item_missed(reader, REPORTS, accepted=1)
    assert (claim.holds, claim.evidence) == (True, "1 items lack status or timestamp; the stack accepts 1")
    assert not no_item_missed(reader, REPORTS, accepted=0).holds
    assert {(asked["Limit"], asked["ConsistentRead"]) for _, asked in client.requests} == {(10, True)}
