"""Quick reads of the local stack answer what moto answers by itself."""

from __future__ import annotations

import random
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from local import quick_reads
from tests.conftest import EmulatedStack

PREFIXES = ["", "A", "HISTORY#"]


@pytest.fixture
def table(moto_stack: EmulatedStack) -> str:
    """A table of partitions of several sizes, whose sort keys come in no order; some items have the index's keys."""
    chance = random.Random(20251104)
    items: list[dict[str, Any]] = []
    for partition in ("a", "B", "ä", "a#", ""):
        for _ in range(chance.randint(3, 30)):
            sort_key = chance.choice(PREFIXES) + f"{chance.getrandbits(40):x}"
            item = {"PK": {"S": f"P{partition}"}, "SK": {"S": sort_key}, "body": {"M": {"a": {"L": [{"N": "1"}]}}}}
            if chance.random() < 0.5:
                item |= {"full_name": {"S": chance.choice("xyz")}}
            items.append(item)
    return moto_stack.create("personnel", items)


def answers(stack: EmulatedStack, table: str) -> list[Any]:
    """What many different reads answer."""
    found: list[Any] = []
    for partition in ("Pa", "PB", "Pä", "Pa#", "P", "nobody"):
        for forward in (True, False):
            for prefix in PREFIXES:
                for limit in (2, 100):
                    found += pages(stack, table, partition, prefix, limit, forward)
    for index in ("x", "y", "nobody"):
        found.append(
            stack.client.query(
                TableName=table,
                IndexName="GSI1-NameIndex",
                KeyConditionExpression="full_name = :n",
                ExpressionAttributeValues={":n": {"S": index}},
            )["Items"]
        )
    scanned = stack.client.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 7})
    found += [page["Items"] for page in scanned]
    for segment in range(3):
        found.append(stack.client.scan(TableName=table, Segment=segment, TotalSegments=3)["Items"])
    return found


def pages(stack: EmulatedStack, table: str, partition: str, prefix: str, limit: int, forward: bool) -> list[Any]:
    condition, values = "PK = :p", {":p": {"S": partition}}
    if prefix:
        condition, values = f"{condition} AND begins_with(SK, :s)", {**values, ":s": {"S": prefix}}
    found = stack.client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        ScanIndexForward=forward,
        PaginationConfig={"PageSize": limit},
    )
    return [(page["Items"], page["Count"], page["ScannedCount"], page.get("LastEvaluatedKey")) for page in found]


def test_every_read_answers_what_moto_answers(
    moto_stack: EmulatedStack, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Table.query is quick_reads.query
    ours = answers(moto_stack, table)
    monkeypatch.setattr(Table, "query", quick_reads._moto_query)
    monkeypatch.setattr(Table, "all_items", quick_reads._moto_all_items)
    assert ours == answers(moto_stack, table)
    assert len(ours) > 100


def test_what_is_written_after_a_read_is_seen_by_the_next(moto_stack: EmulatedStack, table: str) -> None:
    parameters: Any = {
        "TableName": table,
        "KeyConditionExpression": "PK = :p",
        "ExpressionAttributeValues": {":p": {"S": "new"}},
    }
    assert moto_stack.client.query(**parameters)["Count"] == 0
    moto_stack.client.put_item(TableName=table, Item={"PK": {"S": "new"}, "SK": {"S": "b"}})
    moto_stack.client.put_item(TableName=table, Item={"PK": {"S": "new"}, "SK": {"S": "a"}})
    assert [item["SK"]["S"] for item in moto_stack.client.query(**parameters)["Items"]] == ["a", "b"]


def test_tables_without_a_sort_key_and_with_numbers_as_keys_are_read_in_order(moto_stack: EmulatedStack) -> None:
    client, name = moto_stack.client, f"{moto_stack.config.settings.table_prefix}numbers"
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in ("10", "9", "-1", "1.5"):
        client.put_item(TableName=name, Item={"id": {"N": number}})
    assert [item["id"]["N"] for item in client.scan(TableName=name)["Items"]] == ["-1", "1.5", "9", "10"]
    found = client.query(
        TableName=name, KeyConditionExpression="id = :i", ExpressionAttributeValues={":i": {"N": "9.0"}}
    )
    assert [item["id"]["N"] for item in found["Items"]] == ["9"]


def test_copies_of_items_are_forgotten(moto_stack: EmulatedStack, table: str) -> None:
    kept: Any = next(iter(dynamodb_backends["123456789012"]["us-east-1"].tables[table].all_items()))
    before = len(type(kept).instances_tracked)
    for _ in range(3):
        moto_stack.client.scan(TableName=table)
    assert len(type(kept).instances_tracked) == before
