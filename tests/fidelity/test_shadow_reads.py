"""Shadow reads on DynamoDB Local: its order of every type, its silence about violations, and an application at work."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from schema.parts import AttributeType, Projection, ProjectionType
from tests.conftest import EmulatedStack
from tests.shadowing import Shadowed, by_room, meeting

NUMBERS = ["-1E+125", "-10", "-9.5", "-1E-130", "0", "1E-130", "0.1", "9", "10", "100", "1E+125"]
CLOSE = ["12345678901234567890123456789012345677", "12345678901234567890123456789012345678"]
TEXTS = ["A", "Z", "a", "aa", "z", "é", "ÿ", "€", "\uffff", "\U0001f600", "\U0001f600a", "e\u0301"]
BINARIES = [b"\x00", b"\x00\x00", b"\x01", b"\x7f", b"\x80", b"\x80\x00", b"\xff"]


@pytest.mark.parametrize(
    ("kind", "held"),
    [(AttributeType.NUMBER, NUMBERS + CLOSE), (AttributeType.STRING, TEXTS), (AttributeType.BINARY, BINARIES)],
)
def test_every_type_is_in_the_order_that_is_expected(
    dynamodb_local: EmulatedStack, kind: AttributeType, held: list[Any]
) -> None:
    shadowed = Shadowed(dynamodb_local, by_room(kind))
    shadowed.create([meeting(number, starts={kind.value: value}) for number, value in enumerate(reversed(held))])
    result = shadowed.read()
    assert (result.equal, result.facts()["patterns"]["ByRoom"]["differences"]) == (True, {})
    assert result.reads[0].items == result.reads[0].equal == len(held)


def test_equal_sort_keys_over_the_cut_off_and_over_pages_are_equal(dynamodb_local: EmulatedStack) -> None:
    shadowed = Shadowed(dynamodb_local)
    body = {"S": "x" * 4000}
    shadowed.create([meeting(number, starts={"S": str(number % 2)}, body=body) for number in range(1100)])
    result = shadowed.read()
    (read,) = result.reads
    assert (result.equal, dict(read.differences), read.equal == read.items) == (True, {}, True)
    assert 500 <= read.items <= 1000


def test_an_index_without_a_sort_key_is_equal(dynamodb_local: EmulatedStack) -> None:
    shadowed = Shadowed(dynamodb_local, by_room(None, Projection(ProjectionType.KEYS_ONLY)))
    shadowed.create([meeting(number, room=f"room {number % 30}") for number in range(300)])
    result = shadowed.read()
    (read,) = result.reads
    assert (result.equal, read.values, read.items, read.equal) == (True, 10, 100, 100)
    # The index leaves `starts` out; of a hundred items that is looked at.
    assert result.facts()["patterns"]["ByRoom"]["differences"]["projection"]["count"] == 100


def test_violations_that_the_index_leaves_out_are_explained(dynamodb_local: EmulatedStack) -> None:
    planted = [
        meeting(1, starts={"N": "7"}),
        meeting(2, starts={"S": ""}),
        meeting(3, starts={"S": "é" * 513}),
        meeting(4, room="x" * 2049),
    ]
    fine = [meeting(number) for number in range(10, 20)] + [meeting(20, starts={"S": "é" * 512})]
    shadowed = Shadowed(dynamodb_local)
    shadowed.create_before_its_index([*planted, *fine, {"PK": {"S": "ROOM#1"}, "SK": {"S": "ROOM"}}])
    result = shadowed.read()
    assert (result.equal, result.reads[0].equal) == (True, 11)
    outside = result.facts()["outside"]
    assert {kind: found["count"] for kind, found in outside.items()} == {"violation": 4, "missing key": 1}
    assert sorted(outside["violation"]["examples"]) == [f"MEETING#{number} / 0000{number}" for number in range(1, 5)]


def test_an_application_that_writes_meanwhile_is_no_difference(dynamodb_local: EmulatedStack) -> None:
    shadowed = Shadowed(dynamodb_local)
    shadowed.create([meeting(number, room=f"room {number % 3}") for number in range(300)])
    over = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        client, table = dynamodb_local.client, shadowed.physical
        while not over.is_set():
            number = written * 7 % 300
            moved = meeting(number, room=f"room {written % 3}", starts={"S": f"{written % 1000:05}"})
            if written % 5 == 0:
                client.delete_item(TableName=table, Key={"PK": moved["PK"], "SK": moved["SK"]})
            else:
                client.put_item(TableName=table, Item=moved)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        results = [shadowed.read() for _ in range(3)]
    finally:
        over.set()
        writer.join()
    assert [result.equal for result in results] == [True] * 3, [result.summary for result in results]
    assert written > 50
