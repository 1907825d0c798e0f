"""Both writers on DynamoDB Local, which honours conditions as AWS does: what is refused changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from backfills.items.change import ItemChange
from backfills.items.writer import WRITERS, Status, Writer, WriteResult, probe
from dynamo.retry import Retry
from stack.ledger.ledger import Ledger
from tests.backfilling import assembly, report
from tests.conftest import EmulatedStack

KEY = report(1)
PUBLISHED = {"S": "published"}


@pytest.fixture(params=["single", "batched"])
def writer(request: pytest.FixtureRequest, dynamodb_local: EmulatedStack) -> Writer:
    """Each writer in turn, on an empty table of reports."""
    physical = dynamodb_local.create("reports", [])
    return WRITERS[request.param](dynamodb_local.client, physical)


def put(stack: EmulatedStack, item: dict[str, Any]) -> None:
    stack.client.put_item(TableName=stack.config.physical_name("reports"), Item=item)


def test_what_is_missing_is_set(dynamodb_local: EmulatedStack, writer: Writer) -> None:
    put(dynamodb_local, report(1, createdAt="2025"))
    change = ItemChange(KEY, {"status": PUBLISHED}, expected={"status": None, "createdAt": {"S": "2025"}})
    assert writer.send([change]).each == [WriteResult(Status.DONE)]
    (item,) = dynamodb_local.items("reports").values()
    assert item == report(1, createdAt="2025", status="published")


@pytest.mark.parametrize(
    "expected",
    [{"status": None}, {"createdAt": {"S": "2024"}}, {"createdAt": None}, {"absent": {"S": "x"}}],
    ids=["is set by now", "source changed", "source appeared", "source vanished"],
)
def test_a_change_whose_condition_fails_changes_nothing_and_returns_the_item(
    dynamodb_local: EmulatedStack, writer: Writer, expected: dict[str, Any]
) -> None:
    item = report(1, createdAt="2025", status="draft")
    put(dynamodb_local, item)
    answers = writer.send([ItemChange(KEY, {"added": PUBLISHED}, expected=expected)])
    assert answers.each == [WriteResult(Status.REFUSED, item)]
    assert list(dynamodb_local.items("reports").values()) == [item]


def test_an_item_that_is_gone_is_not_created(dynamodb_local: EmulatedStack, writer: Writer) -> None:
    answers = writer.send([ItemChange(KEY, {"status": PUBLISHED}, expected={"status": None})])
    assert answers.each == [WriteResult(Status.REFUSED, None)]
    assert dynamodb_local.items("reports") == {}


def test_values_are_taken_back_only_where_they_are_as_written(dynamodb_local: EmulatedStack, writer: Writer) -> None:
    put(dynamodb_local, report(1, status="published", timestamp="2025"))
    kept = ItemChange(KEY, removes=("status",), expected={"status": {"S": "draft"}})
    assert writer.send([kept]).each[0].status is Status.REFUSED
    back = ItemChange(KEY, sets={"timestamp": {"S": "2024"}}, removes=("status",), expected={"status": PUBLISHED})
    assert writer.send([back]).each == [WriteResult(Status.DONE)]
    assert list(dynamodb_local.items("reports").values()) == [report(1, timestamp="2024")]


def test_an_item_that_would_grow_past_400_kb_stays_as_it_is(dynamodb_local: EmulatedStack, writer: Writer) -> None:
    large = report(1, body="x" * (400 * 1024 - 60))
    put(dynamodb_local, large)
    change = ItemChange(KEY, {"status": {"S": "x" * 100}}, expected={"status": None})
    assert writer.send([change]).each == [WriteResult(Status.TOO_LARGE)]
    assert list(dynamodb_local.items("reports").values()) == [large]


@pytest.mark.parametrize(
    "source",
    [{"N": "1.50"}, {"BOOL": False}, {"B": b"\x00\xff"}, {"NULL": True}, {"L": [{"S": "a"}]}, {"M": {}}, {"SS": ["a"]}],
    ids=lambda source: next(iter(source)),
)
def test_a_source_of_any_type_is_compared(dynamodb_local: EmulatedStack, writer: Writer, source: Any) -> None:
    put(dynamodb_local, {**KEY, "createdAt": source})
    change = ItemChange(KEY, {"status": PUBLISHED}, expected={"status": None, "createdAt": source})
    assert writer.send([change]).each == [WriteResult(Status.DONE)]
    other = ItemChange(KEY, {"other": PUBLISHED}, expected={"createdAt": {"S": "a text"}})
    assert writer.send([other]).each[0].status is Status.REFUSED


def test_each_statement_of_a_batch_has_an_answer_of_its_own(dynamodb_local: EmulatedStack) -> None:
    physical = dynamodb_local.create("reports", [])
    put(dynamodb_local, report(1))
    put(dynamodb_local, report(2, status="draft"))
    put(dynamodb_local, {**report(4), "createdAt": {"NULL": True}})
    changes = [ItemChange(report(number), {"status": PUBLISHED}, expected={"status": None}) for number in (1, 2, 3)]
    odd = ItemChange(report(4), {"status": PUBLISHED}, expected={"status": None, "createdAt": {"NULL": True}})
    answers = WRITERS["batched"](dynamodb_local.client, physical).send([changes[0], odd, *changes[1:]])
    assert answers.each == [
        WriteResult(Status.DONE),
        WriteResult(Status.DONE),
        WriteResult(Status.REFUSED, report(2, status="draft")),
        WriteResult(Status.REFUSED, None),
    ]


@pytest.mark.parametrize("name", ["single", "batched"])
def test_the_probe_lets_a_safe_writer_pass_and_leaves_nothing(dynamodb_local: EmulatedStack, name: str) -> None:
    ledger = Ledger(dynamodb_local.client, dynamodb_local.config)
    ledger.create()
    dynamodb_local.create("reports", [])
    retry: Retry = assembly(dynamodb_local, "reports").retry
    probe(dynamodb_local.client, ledger.table, name, retry, "")
    assert list(ledger.records("PROBE")) == []
