"""What the local AWS keeps of a table beyond moto: replicas, the maximum on demand, class and encryption."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stack.aws import dynamodb
from tests.conftest import EmulatedStack

ELSEWHERE = "eu-west-1"
ITEM: dict[str, Any] = {"PK": {"S": "REPORT#1"}, "SK": {"S": "METADATA"}}


def described(stack: EmulatedStack, table: str) -> dict[str, Any]:
    return dict(stack.client.describe_table(TableName=table)["Table"])


def replicate(stack: EmulatedStack, table: str, **action: Any) -> None:
    updates: Any = [action]
    stack.client.update_table(TableName=table, ReplicaUpdates=updates)


def in_other_region(stack: EmulatedStack) -> Any:
    return dynamodb(replace(stack.config, region=ELSEWHERE))


def test_a_replica_is_shown_and_is_a_table_with_the_items_in_its_own_region(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", [ITEM])
    replicate(moto_stack, table, Create={"RegionName": ELSEWHERE})
    assert described(moto_stack, table)["Replicas"] == [{"RegionName": ELSEWHERE, "ReplicaStatus": "ACTIVE"}]
    assert described(moto_stack, table)["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    there = in_other_region(moto_stack)
    assert there.describe_table(TableName=table)["Table"]["Replicas"] == [
        {"RegionName": "us-east-1", "ReplicaStatus": "ACTIVE"}
    ]
    assert there.scan(TableName=table)["Items"] == [ITEM]
    assert len(there.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]) == 2


def test_a_replica_that_is_removed_is_gone_with_its_items(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", [ITEM])
    replicate(moto_stack, table, Create={"RegionName": ELSEWHERE})
    replicate(moto_stack, table, Delete={"RegionName": ELSEWHERE})
    assert "Replicas" not in described(moto_stack, table)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        in_other_region(moto_stack).describe_table(TableName=table)


def test_what_aws_refuses_of_replicas_is_refused(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", [])
    with pytest.raises(ClientError, match="Cannot add, delete, or update the local region"):
        replicate(moto_stack, table, Create={"RegionName": "us-east-1"})
    with pytest.raises(ClientError, match="was not found"):
        replicate(moto_stack, table, Delete={"RegionName": ELSEWHERE})
    replicate(moto_stack, table, Create={"RegionName": ELSEWHERE})
    with pytest.raises(ClientError, match="already existed as tables"):
        replicate(moto_stack, table, Create={"RegionName": ELSEWHERE})


def test_the_maximum_on_demand_is_kept_of_table_and_index_and_refused_where_capacity_is_provisioned(
    moto_stack: EmulatedStack,
) -> None:
    provisioned = moto_stack.create("reports", [])
    with pytest.raises(ClientError, match="OnDemandThroughput"):
        moto_stack.client.update_table(TableName=provisioned, OnDemandThroughput={"MaxReadRequestUnits": 10})
    name = moto_stack.config.physical_name("things")
    moto_stack.client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "status")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByStatus",
                "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "OnDemandThroughput": {"MaxReadRequestUnits": 30},
            }
        ],
    )
    update: Any = {"IndexName": "ByStatus", "OnDemandThroughput": {"MaxReadRequestUnits": 40}}
    moto_stack.client.update_table(
        TableName=name,
        OnDemandThroughput={"MaxReadRequestUnits": 11, "MaxWriteRequestUnits": 20},
        GlobalSecondaryIndexUpdates=[{"Update": update}],
    )
    shown = described(moto_stack, name)
    assert shown["OnDemandThroughput"] == {"MaxReadRequestUnits": 11, "MaxWriteRequestUnits": 20}
    assert shown["GlobalSecondaryIndexes"][0]["OnDemandThroughput"] == {"MaxReadRequestUnits": 40}


def test_class_and_encryption_that_are_changed_are_shown(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", [])
    moto_stack.client.update_table(TableName=table, TableClass="STANDARD_INFREQUENT_ACCESS")
    moto_stack.client.update_table(
        TableName=table, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "arn:key"}
    )
    shown = described(moto_stack, table)
    assert shown["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert shown["SSEDescription"]["KMSMasterKeyArn"] == "arn:key"
