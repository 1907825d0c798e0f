"""Adopting tables that others have given more than the schema knows, on the real engine: nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from stack.declaration import present
from tests.stacks import PEOPLE, SmallStack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ELSEWHERE = "eu-west-1"


def replicate(stack: SmallStack) -> None:
    """Makes the personnel table a global one."""
    updates: Any = [{"Create": {"RegionName": ELSEWHERE}}]
    stack.client.update_table(TableName=stack.physical("personnel"), ReplicaUpdates=updates)


def there(stack: SmallStack) -> DynamoDBClient:
    """DynamoDB in the region of the replica."""
    return boto3.client(
        "dynamodb",
        endpoint_url=stack.endpoint,
        region_name=ELSEWHERE,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_the_adoption_of_a_global_table_would_not_touch_its_replicas(stack: SmallStack) -> None:
    """The second barrier: the first is that a global table is refused."""
    replicate(stack)
    context = stack.context()
    context.engine.create_stack()
    world = context.read_world()
    context.engine.up(world.live, present(stack.schema, world))
    assert stack.world().live["personnel"].replicas == (ELSEWHERE,)
    assert there(stack).scan(TableName=stack.physical("personnel"))["Count"] == len(PEOPLE)
