"""What is read of live tables: in the terms of the schema, and nothing in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from schema.model import Index, Schema, Table
from schema.parts import Attribute, BillingMode, Projection, ProjectionType
from stack.world.inventory import NOT_KNOWN, Refusal
from stack.world.live import LiveTable, LocalIndex, read_live, read_table
from tests.conftest import EmulatedStack

SCHEMA = Schema((Table("things", Attribute("PK"), Attribute("SK"), billing_mode=BillingMode.ON_DEMAND, existing=True),))


def keys(**roles: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": role} for name, role in roles.items()]


def typed(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK", *names)]


def create(stack: EmulatedStack, **changes: Any) -> LiveTable:
    """An on-demand table `things`, as it is read."""
    definition: dict[str, Any] = {
        "TableName": stack.config.physical_name("things"),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        "KeySchema": keys(PK="HASH", SK="RANGE"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    stack.client.create_table(**{**definition, **changes})
    return read(stack)


def read(stack: EmulatedStack) -> LiveTable:
    found = read_table(stack.client, stack.config, "things")
    assert found is not None
    return found


def answering(stack: EmulatedStack, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes what DescribeTable answers, on its way to the client."""

    def changed(response_dict: dict[str, Any], **_: Any) -> None:
        answer = json.loads(response_dict["body"])
        change(answer["Table"])
        response_dict["body"] = json.dumps(answer).encode()

    stack.client.meta.events.register_first("before-parse.dynamodb.DescribeTable", changed)


def test_a_key_of_several_attributes_keeps_partition_and_sort_attributes_apart(moto_stack: EmulatedStack) -> None:
    """HASH a, HASH b, RANGE c is not the index (a, b); nor is it the index of one partition and two sort attributes."""
    index = {"Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": keys(a="HASH", b="HASH", c="RANGE", d="RANGE")}
    live = create(
        moto_stack, AttributeDefinitions=typed(*"abcd"), GlobalSecondaryIndexes=[{"IndexName": "several", **index}]
    )
    found = live.indexes["several"].index
    a, b, c, d = map(Attribute, "abcd")
    assert (found.partition_keys, found.sort_keys) == ((a, b), (c, d))
    assert found.keys == (a, b, c, d)
    other = Index("several", a, b, Projection(ProjectionType.KEYS_ONLY), more_sort_keys=(c, d))
    assert other.keys == found.keys
    assert other.definition != found.definition


def test_local_indexes_are_seen(moto_stack: EmulatedStack) -> None:
    local = [
        {"IndexName": name, "KeySchema": keys(PK="HASH", **{key: "RANGE"}), "Projection": {"ProjectionType": "ALL"}}
        for name, key in (("zone", "b"), ("alpha", "a"))
    ]
    live = create(moto_stack, AttributeDefinitions=typed("a", "b"), LocalSecondaryIndexes=local)
    assert live.local_indexes == (
        LocalIndex("alpha", (Attribute("PK"), Attribute("a"))),
        LocalIndex("zone", (Attribute("PK"), Attribute("b"))),
    )
    assert live.refusals == ()


def test_a_maximum_on_demand_is_read_and_minus_one_is_none(moto_stack: EmulatedStack) -> None:
    create(moto_stack)
    maxima = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 80}
    answering(moto_stack, lambda table: table.update(OnDemandThroughput=maxima))
    assert (read(moto_stack).most_reads, read(moto_stack).most_writes) == (None, 80)


def test_the_days_of_point_in_time_recovery_are_read(moto_stack: EmulatedStack) -> None:
    assert create(moto_stack).recovery_days is None
    moto_stack.client.update_continuous_backups(
        TableName=moto_stack.config.physical_name("things"),
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
    )
    assert (read(moto_stack).point_in_time_recovery, read(moto_stack).recovery_days) == (True, 7)


def test_the_owner_is_read_of_all_tags(moto_stack: EmulatedStack) -> None:
    tags = [{"Key": f"tag{number}", "Value": "x"} for number in range(49)] + [{"Key": "ManagedBy", "Value": "CDK"}]
    assert create(moto_stack, Tags=tags).owner == "CDK"


def test_a_member_that_botocore_does_not_know_is_refused_by_its_name(moto_stack: EmulatedStack) -> None:
    create(moto_stack)
    answering(moto_stack, lambda table: table.update(ColdStorage={"Tier": "deep"}))
    assert read(moto_stack).refusals == (Refusal("ColdStorage", NOT_KNOWN),)


@pytest.mark.parametrize(
    ("member", "value", "refused"),
    [
        ("KeySchema", keys(PK="HASH", SK="FILTER"), "KeySchema[].KeyType=FILTER"),
        (
            "AttributeDefinitions",
            [{"AttributeName": "PK", "AttributeType": "V"}],
            "AttributeDefinitions[].AttributeType=V",
        ),
        ("TableStatus", "ARCHIVED", "TableStatus=ARCHIVED"),
    ],
)
def test_a_value_that_nobody_has_decided_about_is_refused_and_ends_no_task_with_a_traceback(
    moto_stack: EmulatedStack, member: str, value: Any, refused: str
) -> None:
    create(moto_stack)
    answering(moto_stack, lambda table: table.update({member: value}))
    live = read_live(moto_stack.client, moto_stack.config, SCHEMA)["things"]
    assert [found.path for found in live.refusals] == [refused]


def test_a_description_that_cannot_be_read_is_refused(moto_stack: EmulatedStack) -> None:
    create(moto_stack)
    answering(moto_stack, lambda table: table.pop("AttributeDefinitions"))
    (found,) = read(moto_stack).refusals
    assert (found.path, found.why) == ("TableDescription", "it cannot be read: KeyError 'AttributeDefinitions'")


def test_replicas_are_seen_by_their_regions(moto_stack: EmulatedStack) -> None:
    create(moto_stack)
    replicas = [{"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in ("us-west-2", "eu-west-1")]
    answering(moto_stack, lambda table: table.update(Replicas=replicas, GlobalTableVersion="2019.11.21"))
    assert read(moto_stack).replicas == ("eu-west-1", "us-west-2")
