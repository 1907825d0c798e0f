"""Two tables compared item by item, over the AWS protocol: every kind of difference, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo.reader import Reader
from dynamo.retry import Retry, Stopped
from dynamo.throttle import Throttle
from local.stack import create_table, put_items
from migration.steps.items.comparison import MOST_NAMES, OTHERS, TableComparison, compare, differing
from sitelogix.tables import REPORTS
from tests.conftest import EmulatedStack

KEYS = ("PK", "SK")


def report(number: int, **attributes: Any) -> dict[str, Any]:
    """An item with these typed attributes."""
    return {"PK": {"S": f"REPORT#{number:05}"}, "SK": {"S": "METADATA"}, **attributes}


def two_tables(stack: EmulatedStack, first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    stack.create("reports", second)
    create_table(stack.client, stack.config.physical_name("reports-restored"), REPORTS)
    put_items(stack.client, stack.config.physical_name("reports-restored"), first)


def compared(
    stack: EmulatedStack,
    client: Any = None,
    *,
    item_size: int = 0,
    rate: float = 100_000.0,
    stop: threading.Event | None = None,
    on_progress: Callable[[TableComparison, int], None] = lambda comparison, scanned: None,
) -> TableComparison:
    asked = stop or threading.Event()

    def reader(table: str) -> Reader:
        physical, throttle = stack.config.physical_name(table), Throttle(rate, asked)
        retry = Retry(physical, asked, throttle.throttled)
        return Reader(client or stack.client, physical, retry, throttle, size=100 * item_size, item_count=100)

    return compare(reader("reports-restored"), reader("reports"), KEYS, 4, 4, asked, on_progress)


def test_each_item_is_counted_once_by_what_became_of_it(moto_stack: EmulatedStack) -> None:
    both = [report(number, body={"S": "x"}) for number in range(250)]
    changed = [report(number, body={"S": "x"}, status={"S": "new"}) for number in range(250, 260)]
    restored = [*both, *(report(number, body={"S": "old"}) for number in range(250, 260)), report(300), report(301)]
    two_tables(moto_stack, restored, [*both, *changed, report(400)])
    found = compared(moto_stack)
    assert (found.equal, found.different, found.only_restored, found.only_live) == (250, 10, 2, 1)
    assert found.attributes == {"body": 10, "status": 10}
    assert sorted(found.examples["only_restored"]) == [
        '{"PK": {"S": "REPORT#00300"}, "SK": {"S": "METADATA"}}',
        '{"PK": {"S": "REPORT#00301"}, "SK": {"S": "METADATA"}}',
    ]
    assert found.examples["only_live"] == ['{"PK": {"S": "REPORT#00400"}, "SK": {"S": "METADATA"}}']
    assert len(found.examples["different"]) == 5


def test_tables_of_several_pages_are_read_to_the_end(moto_stack: EmulatedStack) -> None:
    items = [report(number, body={"S": "x" * 40_000}) for number in range(120)]
    two_tables(moto_stack, items, items)
    scanned: list[int] = []
    found = compared(moto_stack, item_size=40_000, on_progress=lambda comparison, done: scanned.append(done))
    assert (found, max(scanned)) == (TableComparison(equal=120), 240)


def test_two_empty_tables_are_equal(moto_stack: EmulatedStack) -> None:
    two_tables(moto_stack, [], [])
    assert compared(moto_stack) == TableComparison()


class Stingy:
    """A client whose BatchGetItem answers for a few keys only, as AWS does when it is throttled or full."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[int] = []
        self.unprocessed = 0

    def batch_get_item(self, RequestItems: Any, **parameters: Any) -> Any:  # noqa: N803  # boto3's own name
        ((table, request),) = RequestItems.items()
        keys = request["Keys"]
        self.asked.append(len(keys))
        answer = self._client.batch_get_item(RequestItems={table: {**request, "Keys": keys[:5]}}, **parameters)
        if keys[5:]:
            self.unprocessed += len(keys[5:])
            answer["UnprocessedKeys"] = {table: {**request, "Keys": keys[5:]}}
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_keys_that_aws_leaves_unprocessed_are_asked_for_again(moto_stack: EmulatedStack) -> None:
    items = [report(number) for number in range(90)]
    two_tables(moto_stack, items, items)
    stingy = Stingy(moto_stack.client)
    found = compared(moto_stack, stingy)
    assert found == TableComparison(equal=90)
    assert stingy.unprocessed > 0


def test_a_table_that_is_read_at_a_rate_is_asked_for_no_more_than_a_seconds_worth(moto_stack: EmulatedStack) -> None:
    items = [report(number) for number in range(30)]
    two_tables(moto_stack, items, items)
    stingy = Stingy(moto_stack.client)
    compared(moto_stack, stingy, item_size=8_192, rate=20.0)
    assert max(stingy.asked) <= 10


def test_it_stops_when_it_is_asked_to(moto_stack: EmulatedStack) -> None:
    items = [report(number) for number in range(30)]
    two_tables(moto_stack, items, items)
    stop = threading.Event()
    with pytest.raises(Stopped):
        compared(moto_stack, stop=stop, on_progress=lambda comparison, scanned: stop.set())


AWKWARD: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("numbers in other spellings", {"N": "1"}, {"N": "1.00"}, True),
    ("a number and its text", {"N": "1"}, {"S": "1"}, False),
    ("numbers that floats cannot tell apart", {"N": "0.1000000000000000000000000001"}, {"N": "0.1"}, False),
    ("sets in another order", {"SS": ["a", "b"]}, {"SS": ["b", "a"]}, True),
    ("sets of numbers in other spellings", {"NS": ["1", "2"]}, {"NS": ["2.0", "1"]}, True),
    ("sets of bytes", {"BS": [b"a", b"b"]}, {"BS": [b"b", b"a"]}, True),
    ("lists in another order", {"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}, False),
    ("maps in another order", {"M": {"a": {"N": "1"}, "b": {"S": ""}}}, {"M": {"b": {"S": ""}, "a": {"N": "1"}}}, True),
    ("a set within a map", {"M": {"a": {"SS": ["x", "y"]}}}, {"M": {"a": {"SS": ["y", "x"]}}}, True),
    ("nothing and a missing value", {"NULL": True}, {"M": {}}, False),
    ("true and the number", {"BOOL": True}, {"N": "1"}, False),
    ("an empty list and an empty map", {"L": []}, {"M": {}}, False),
    ("letters that look alike", {"S": "é"}, {"S": "e\u0301"}, False),
]


@pytest.mark.parametrize(("one", "other", "equal"), [row[1:] for row in AWKWARD], ids=[row[0] for row in AWKWARD])
def test_values_are_compared_as_dynamodb_means_them(one: Any, other: Any, equal: bool) -> None:
    assert differing(report(1, value=one), report(1, value=other)) == (set() if equal else {"value"})


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20).map(str)
scalars = st.one_of(
    st.text().map(lambda text: {"S": text}),
    numbers.map(lambda number: {"N": number}),
    st.binary().map(lambda data: {"B": data}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.sets(st.text(min_size=1), min_size=1).map(lambda texts: {"SS": sorted(texts)}),
)
values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"L": parts}),
        st.dictionaries(st.text(), inner, max_size=3).map(lambda parts: {"M": parts}),
    ),
    max_leaves=8,
)
items = st.dictionaries(st.text(min_size=1), values, max_size=4)


@given(items)
def test_an_item_equals_itself(item: dict[str, Any]) -> None:
    assert differing(item, deepcopy(item)) == set()


@given(items, st.text(min_size=1), values)
def test_exactly_what_was_changed_differs(item: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    assert differing({**item, name: {"L": [value]}}, {**item, name: {"L": [value, value]}}) == {name}
    assert differing({**item, name: value}, {key: kept for key, kept in item.items() if key != name}) == {name}


def test_attributes_without_end_are_counted_in_bounded_memory() -> None:
    comparison = TableComparison()
    for number in range(200):
        comparison.differs({f"id-{number}"})
    assert len(comparison.attributes) == MOST_NAMES + 1
    assert comparison.attributes[OTHERS] == 200 - MOST_NAMES
