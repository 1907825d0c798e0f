"""What an index should answer, and how two answers are compared: against a naive model that sorts everything."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo.keys import place_of
from dynamo.values import same
from migration.shadow.answers import (
    CHOSEN_VALUES,
    FREQUENT_VALUES,
    MOST_COUNTED,
    Entry,
    First,
    IndexAnswer,
    Kind,
    Placing,
    Values,
    compare,
    judge,
)
from schema.parts import AttributeType, Projection, ProjectionType
from tests.shadowing import MEETINGS, by_room, meeting

PLACING = Placing(MEETINGS, MEETINGS.indexes[0])
BLUE = place_of({"S": "blue"})


def entry(number: int, order: int | None = None) -> Entry:
    return Entry((("S", str(number)),), () if order is None else (order,))


def answer(*orders: int, complete: bool = True, backwards: bool = False) -> IndexAnswer:
    return IndexAnswer(tuple(entry(order, order) for order in orders), complete, backwards)


def keys(*numbers: int) -> set[Any]:
    return {entry(number).key for number in numbers}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"S": "Z"}, {"S": "a"}),
        ({"S": "z"}, {"S": "é"}),
        ({"S": "\uffff"}, {"S": "\U0001f600"}),
        ({"S": "a"}, {"S": "aa"}),
        ({"N": "-10"}, {"N": "-9"}),
        ({"N": "9"}, {"N": "10"}),
        ({"N": "1E-130"}, {"N": "2e-130"}),
        ({"N": "12345678901234567890123456789012345677"}, {"N": "12345678901234567890123456789012345678"}),
        ({"B": b"\x7f"}, {"B": b"\x80"}),
        ({"B": b"\x01"}, {"B": b"\x01\x00"}),
    ],
)
def test_keys_sort_as_dynamodb_sorts_them(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert sorted([after, before], key=place_of) == [before, after]


@given(st.lists(st.integers(0, 9)), st.integers(1, 8), st.booleans())
def test_the_first_of_many_are_those_of_a_full_sort(orders: list[int], limit: int, backwards: bool) -> None:
    first = First(limit, backwards=backwards)
    for number, order in enumerate(orders):
        first.add(entry(number, order))
    found = first.answer()
    assert [kept.order for kept in found.entries] == [(order,) for order in sorted(orders, reverse=backwards)[:limit]]
    assert found.complete == (len(orders) <= limit)
    assert len(found.keys) == len(found.entries)


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 6), st.booleans(), st.randoms())
def test_two_sides_of_the_same_items_never_differ(orders: list[int], most: int, backwards: bool, random: Any) -> None:
    """Whatever the cut-off, and however items of equal sort keys lie on either side."""
    items = [entry(number, order) for number, order in enumerate(orders)]
    sides: list[IndexAnswer] = []
    for _ in range(2):
        random.shuffle(items)
        ordered = sorted(items, key=lambda one: one.order, reverse=backwards)
        sides.append(IndexAnswer(tuple(ordered[:most]), len(items) <= most, backwards))
    compared = compare(*sides)
    assert compared.differing == set()
    assert sides[1].keys <= compared.compared
    # Only of items that tie at the cut-off is it unknown whether they are right.
    orders_of_unknown = {one.order for one in sides[1].entries if one.key in compared.unknown}
    assert orders_of_unknown <= {one.order for one in sides[0].entries[-1:]}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 6), st.booleans(), st.data())
def test_an_item_that_the_index_lost_before_the_cut_off_is_found(
    orders: list[int], most: int, backwards: bool, data: st.DataObject
) -> None:
    items = sorted(
        (entry(number, order) for number, order in enumerate(orders)), key=lambda one: one.order, reverse=backwards
    )
    lost = data.draw(st.sampled_from(items[:most]))
    left = [one for one in items if one is not lost]
    base = IndexAnswer(tuple(items[:most]), len(items) <= most, backwards)
    index = IndexAnswer(tuple(left[:most]), len(left) <= most, backwards)
    hidden = not index.complete and index.entries[-1].order == lost.order
    assert compare(base, index).differing == (set() if hidden else {lost.key})


def test_an_item_that_only_the_index_has_differs() -> None:
    assert compare(answer(1, 3), answer(1, 2, 3)).differing == keys(2)


def test_what_the_index_has_past_the_tables_cut_off_is_to_be_looked_up() -> None:
    compared = compare(answer(1, 2, complete=False), answer(1, 2, 3))
    assert compared.differing == set()
    assert compared.unknown == keys(3)
    assert compared.compared == keys(1, 2, 3)


def test_an_index_that_ends_too_early_lacks_the_rest() -> None:
    assert compare(answer(1, 2, 3, complete=False), answer(1)).differing == keys(2, 3)


def test_an_item_in_the_wrong_place_is_out_of_order() -> None:
    assert answer(2, 1, 3).out_of_order == keys(1)
    assert answer(3, 1, 2, backwards=True).out_of_order == keys(2)
    assert compare(answer(1, 2, 3), answer(2, 1, 3)).differing == keys(1)


@given(st.lists(st.integers(0, 60)))
def test_few_values_are_all_chosen_most_frequent_first(numbers: list[int]) -> None:
    values = Values()
    for number in numbers:
        values.add({"N": str(number)})
    counts = Counter(numbers)
    chosen = [int(place) for place in values.chosen()]
    assert len(chosen) == min(len(counts), CHOSEN_VALUES)
    frequent = [counts[number] for number in chosen[:FREQUENT_VALUES]]
    assert frequent == sorted(counts.values(), reverse=True)[:FREQUENT_VALUES]


def test_a_frequent_value_is_chosen_among_more_values_than_are_counted() -> None:
    values = Values()
    for number in range(5 * MOST_COUNTED):
        values.add({"S": f"rare {number}"})
        if number % 20 == 0:
            values.add({"S": "frequent"})
    assert next(iter(values.chosen())) == b"frequent"


@given(st.permutations(range(60)))
def test_the_sample_of_the_other_values_is_always_the_same(numbers: list[int]) -> None:
    values, sorted_values = Values(), Values()
    for number in numbers:
        values.add({"S": str(number)})
    for number in range(60):
        sorted_values.add({"S": str(number)})
    assert values.chosen() == sorted_values.chosen()


@pytest.mark.parametrize(
    ("changes", "outside"),
    [
        ({}, None),
        ({"starts": {"S": "é" * 512}}, None),
        ({"room": {"S": "x" * 2048}}, None),
        ({"starts": None}, Kind.MISSING_KEY),
        ({"room": None}, Kind.MISSING_KEY),
        ({"room": {"N": "7"}}, Kind.VIOLATION),
        ({"starts": {"NULL": True}}, Kind.VIOLATION),
        ({"starts": {"S": ""}}, Kind.VIOLATION),
        ({"starts": {"S": "é" * 513}}, Kind.VIOLATION),
        ({"room": {"S": "x" * 2049}}, Kind.VIOLATION),
    ],
)
def test_an_item_belongs_in_the_index_if_its_keys_fit(changes: dict[str, Any], outside: Kind | None) -> None:
    item = {name: value for name, value in {**meeting(1), **changes}.items() if value is not None}
    assert PLACING.outside(item) == outside


def judged(base: Any, returned: Any, *, placing: Placing = PLACING, others: tuple[Any, ...] = ()) -> Kind | None:
    """What is said of item 1, given what each side has of it."""
    entries = [placing.entry(item) for item in (returned, *others) if item is not None]
    answers = [IndexAnswer(tuple(sorted(entries, key=lambda one: one.order)), complete=True)]
    return judge(placing, BLUE, placing.key(meeting(1)), base, answers, returned, whole=True)


def test_each_difference_has_its_name() -> None:
    item, moved = meeting(1), meeting(1, room="red")
    assert judged(item, item) is None
    assert judged(None, None) is None
    assert judged(moved, None) is None
    assert judged({**item, "starts": {"NULL": True}}, None) is None
    assert judged(item, None) is Kind.MISSING
    assert judged(None, item) is Kind.NOT_IN_TABLE
    assert judged(moved, item) is Kind.OTHER_ATTRIBUTES
    assert judged({**item, "title": {"S": "a"}}, item) is Kind.OTHER_ATTRIBUTES
    assert judged(item, {**item, "title": {"S": "a"}}) is Kind.OTHER_ATTRIBUTES
    assert judged({**item, "size": {"N": "1.0"}}, {**item, "size": {"N": "1"}}) is None


def test_what_an_index_copies_is_its_projection_and_the_keys() -> None:
    table = by_room(projection=Projection(ProjectionType.INCLUDE, ("title",)))
    placing = Placing(table, table.indexes[0])
    full = meeting(1, title={"S": "a"}, body={"S": "b"})
    without_body = {name: value for name, value in full.items() if name != "body"}
    without_title = {name: value for name, value in full.items() if name != "title"}
    assert judged(full, without_body, placing=placing) is Kind.PROJECTION
    assert judged(full, without_title, placing=placing) is Kind.OTHER_ATTRIBUTES
    assert judged(full, without_body) is Kind.OTHER_ATTRIBUTES


def test_a_prefix_narrows_strings_and_binaries() -> None:
    table = by_room(AttributeType.BINARY)
    binary = Placing(table, table.indexes[0], sort_key_prefix="2025")
    text = Placing(MEETINGS, MEETINGS.indexes[0], sort_key_prefix="2025")
    assert binary.is_read(meeting(1, starts={"B": b"2025\xff"}))
    assert not binary.is_read(meeting(1, starts={"B": b"202"}))
    assert text.is_read(meeting(1, starts={"S": "2025-01"}))
    assert not text.is_read(meeting(1, starts={"S": "2024-12"}))


def test_values_are_equal_as_dynamodb_has_them() -> None:
    number, nested = {"N": "1E1"}, {"M": {"a": {"L": [{"N": "2.50"}, {"SS": ["x", "y"]}]}}}
    assert same(number, {"N": "10"})
    assert same(nested, {"M": {"a": {"L": [{"N": "2.5"}, {"SS": ["y", "x"]}]}}})
    assert same({"NS": ["1", "2"]}, {"NS": ["2.0", "1"]})
    assert not same({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]})
    assert not same({"S": "1"}, {"N": "1"})
    assert Decimal(1) == place_of({"N": "1.0"})
