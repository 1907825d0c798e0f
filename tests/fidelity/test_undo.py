"""Taking a backfill back, and mending what has gone stale."""

from __future__ import annotations

from typing import Any

import pytest

from backfills.run.assembly import Options
from tests.backfilling import CLOCK, assembly, report
from tests.conftest import EmulatedStack


def update(stack: EmulatedStack, table: str, key: dict[str, Any], name: str, value: str | None) -> None:
    """Sets an attribute as the application would, or removes it."""
    parameters: dict[str, Any] = {"UpdateExpression": "REMOVE #n"}
    if value is not None:
        parameters = {"UpdateExpression": "SET #n = :v", "ExpressionAttributeValues": {":v": {"S": value}}}
    physical = stack.config.physical_name(table)
    stack.client.update_item(TableName=physical, Key=key, ExpressionAttributeNames={"#n": name}, **parameters)


@pytest.mark.parametrize("writer", ["batched", "single"])
def test_exactly_what_was_added_is_taken_back_where_it_is_still_as_written(
    dynamodb_local: EmulatedStack, writer: str
) -> None:
    items = [report(number, createdAt=f"2025-{number:04}") for number in range(600)]
    items[7] = report(7, createdAt="2025-0007", status="draft")
    physical = dynamodb_local.create("reports", items)
    assembly(dynamodb_local, "reports", Options(writer=writer)).run(CLOCK)
    update(dynamodb_local, "reports", report(1), "status", "archived")
    update(dynamodb_local, "reports", report(2), "status", None)
    dynamodb_local.client.delete_item(TableName=physical, Key=report(3))
    update(dynamodb_local, "reports", report(4), "status", "archived")
    update(dynamodb_local, "reports", report(4), "timestamp", "2026")

    undone = assembly(dynamodb_local, "reports", Options(writer=writer)).undo(lambda undone: None)
    found = dynamodb_local.items("reports")
    expected = {(item["PK"]["S"], "METADATA"): item for item in items if item != items[3]}
    expected["REPORT#00001", "METADATA"] = report(1, createdAt="2025-0001", status="archived")
    expected["REPORT#00004", "METADATA"] = report(4, createdAt="2025-0004", status="archived", timestamp="2026")
    assert found == expected
    assert (undone.back, undone.kept) == (598, 2)
    again = assembly(dynamodb_local, "reports", Options(writer=writer))
    assert again.journal.is_empty()


def test_a_table_of_a_million_items_keeps_no_journal_unless_it_is_asked_for(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(1)])
    assembly(dynamodb_local, "reports", Options(journal=False)).run(CLOCK)
    assert assembly(dynamodb_local, "reports").journal.is_empty()


def test_a_backfill_that_was_taken_back_can_be_done_again(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(number) for number in range(30)])
    for clock in ("first", "second"):
        assembly(dynamodb_local, "reports").run(clock)
        assert {item["timestamp"]["S"] for item in dynamodb_local.items("reports").values()} == {clock}
        assembly(dynamodb_local, "reports").undo(lambda undone: None)


def test_what_has_gone_stale_is_found_and_mended_and_nothing_else(dynamodb_local: EmulatedStack) -> None:
    people = [{"PK": {"S": f"PERSON#{number}"}, "SK": {"S": "PROFILE"}} for number in range(20)]
    seen = [{"PK": {"S": f"PERSON#{number}"}, "SK": {"S": "HISTORY#r1#2025-01-01T00:00:00Z"}} for number in range(10)]
    physical = dynamodb_local.create("personnel", [*people, *seen])
    assembly(dynamodb_local, "personnel").run(CLOCK)
    fresh = {"PK": {"S": "PERSON#3"}, "SK": {"S": "HISTORY#r2#2025-09-09T00:00:00Z"}}
    dynamodb_local.client.put_item(TableName=physical, Item=fresh)
    update(dynamodb_local, "personnel", people[4], "status", "inactive")
    update(dynamodb_local, "personnel", people[15], "dateLastSeen", "2025-05-05")
    before = dynamodb_local.items("personnel")

    found = assembly(dynamodb_local, "personnel").check(mend=False)
    assert found.counts.remaining == 1
    assert found.examples == [
        {
            "key": '{"PK": {"S": "PERSON#3"}, "SK": {"S": "PROFILE"}}',
            "values": {"dateLastSeen": "2025-09-09"},
            "was": {"dateLastSeen": {"S": "2025-01-01"}},
        }
    ]
    assert dynamodb_local.items("personnel") == before

    assert assembly(dynamodb_local, "personnel").check(mend=True).counts.changed == 1
    after = dynamodb_local.items("personnel")
    assert after.pop(("PERSON#3", "PROFILE"))["dateLastSeen"] == {"S": "2025-09-09"}
    assert after == {key: item for key, item in before.items() if key != ("PERSON#3", "PROFILE")}
    assert assembly(dynamodb_local, "personnel").check(mend=False).counts.remaining == 0


def test_a_mended_value_is_taken_back_to_the_state_before_the_backfill(dynamodb_local: EmulatedStack) -> None:
    original = report(1, createdAt="2025-01-01")
    dynamodb_local.create("reports", [original])
    assembly(dynamodb_local, "reports").run(CLOCK)
    update(dynamodb_local, "reports", report(1), "createdAt", "2025-02-02")
    assembly(dynamodb_local, "reports").check(mend=True)
    (item,) = dynamodb_local.items("reports").values()
    assert item["timestamp"] == {"S": "2025-02-02"}
    assembly(dynamodb_local, "reports").undo(lambda undone: None)
    assert list(dynamodb_local.items("reports").values()) == [report(1, createdAt="2025-02-02")]
