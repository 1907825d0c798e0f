"""A change in both of DynamoDB's languages: names are placeholders or quoted, values are parameters."""

from __future__ import annotations

import pytest

from backfills.items.change import ItemChange, statement, update_item

KEY = {"PK": {"S": "a"}, "SK": {"S": "b"}}


def test_an_update_sets_and_removes_under_every_condition() -> None:
    change = ItemChange(KEY, {"status": {"S": "x"}}, ("old",), {"status": None, "createdAt": {"S": "2025"}})
    assert update_item("things", change) == {
        "TableName": "things",
        "Key": KEY,
        "UpdateExpression": "SET #n1 = :v1 REMOVE #n3",
        "ConditionExpression": "attribute_exists(#n0) AND attribute_not_exists(#n1) AND #n2 = :v0",
        "ExpressionAttributeNames": {"#n0": "PK", "#n1": "status", "#n2": "createdAt", "#n3": "old"},
        "ExpressionAttributeValues": {":v0": {"S": "2025"}, ":v1": {"S": "x"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ReturnConsumedCapacity": "TOTAL",
    }


def test_a_statement_says_the_same() -> None:
    change = ItemChange(KEY, {"status": {"S": "x"}}, ("old",), {"status": None, "createdAt": {"S": "2025"}})
    assert statement("things", change) == {
        "Statement": 'UPDATE "things" SET "status"=? REMOVE "old" '
        'WHERE "PK"=? AND "SK"=? AND "status" IS MISSING AND "createdAt"=?',
        "Parameters": [{"S": "x"}, {"S": "a"}, {"S": "b"}, {"S": "2025"}],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_a_value_is_never_part_of_a_statement() -> None:
    hostile = {"S": '" OR 1=1 --'}
    change = ItemChange(KEY, {"status": hostile}, expected={"createdAt": hostile})
    for text in (statement("things", change)["Statement"], update_item("things", change)["UpdateExpression"]):
        assert "OR 1=1" not in text


def test_a_name_that_cannot_be_quoted_is_refused() -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        statement("things", ItemChange(KEY, {'a"b': {"S": "x"}}))
