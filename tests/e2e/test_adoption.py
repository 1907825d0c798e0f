"""Adopting tables that others have given more than the schema knows, on the real engine: nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local.stack import put_items
from migration.run.runner import plan_of
from schema.errors import Refused
from schema.parts import Attribute, Projection, ProjectionType
from stack.declaration import present
from stack.world.live import LocalIndex
from tests.previews import preview
from tests.stacks import NEW, OLD, PEOPLE, SmallStack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ELSEWHERE = "eu-west-1"
LOCAL = LocalIndex(
    "LSI1-CreatedIndex",
    (Attribute("PK"), Attribute("created")),
    Projection(ProjectionType.INCLUDE, ("full_name", "status")),
)


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


def add_local_index(stack: SmallStack) -> None:
    """Makes the personnel table again, with a local index: one can be had in no other way."""
    name = stack.physical("personnel")
    made: Any = stack.client.describe_table(TableName=name)["Table"]
    units: Any = {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}
    indexes: Any = [
        {part: index[part] for part in ("IndexName", "KeySchema", "Projection")} | units
        for index in made["GlobalSecondaryIndexes"]
    ]
    stack.client.delete_table(TableName=name)
    stack.client.create_table(
        TableName=name,
        KeySchema=made["KeySchema"],
        AttributeDefinitions=[*made["AttributeDefinitions"], {"AttributeName": "created", "AttributeType": "S"}],
        GlobalSecondaryIndexes=indexes,
        LocalSecondaryIndexes=[
            {
                "IndexName": LOCAL.name,
                "KeySchema": [
                    {"AttributeName": "PK", "KeyType": "HASH"},
                    {"AttributeName": "created", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["full_name", "status"]},
            }
        ],
        **units,
    )
    put_items(stack.client, name, PEOPLE)


def test_a_table_with_a_local_index_is_migrated_to_the_end_and_keeps_it(stack: SmallStack) -> None:
    add_local_index(stack)
    id = stack.world().live["personnel"].id
    done = [one.step.name for one in stack.migrate().done]
    assert {f"create-index {NEW}", f"remove-index {OLD}", "verify"} <= set(done)
    live = stack.world().live["personnel"]
    assert (live.id, live.local_indexes) == (id, (LOCAL,))
    assert sorted(live.indexes) == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    assert stack.migrate().run is None
    shown = stack.plain("preview", "--expect-no-changes")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_a_global_table_is_refused_by_each_task_and_by_a_plain_preview_and_nothing_changes(stack: SmallStack) -> None:
    replicate(stack)
    stack.context().engine.create_stack()
    before = stack.world()
    says = f"Table personnel is a global table, with replicas in {ELSEWHERE}."
    for task in (lambda: plan_of(stack.context(), stack.world()), stack.migrate, lambda: preview(stack.context())):
        with pytest.raises(Refused) as refusal:
            task()
        assert refusal.value.what == says
    for verb in ("preview", "up"):
        shown = stack.plain(verb, *(["--yes", "--skip-preview"] if verb == "up" else []))
        assert shown.returncode != 0
        assert says in " ".join(shown.stdout.split())
        assert "Traceback" not in shown.stdout + shown.stderr
    after = stack.world()
    assert (after.live, after.managed, after.proofs) == (before.live, before.managed, before.proofs)
    assert there(stack).scan(TableName=stack.physical("personnel"))["Count"] == len(PEOPLE)


def test_the_adoption_of_a_global_table_would_not_touch_its_replicas(stack: SmallStack) -> None:
    """The second barrier: the first is that a global table is refused."""
    replicate(stack)
    context = stack.context()
    context.engine.create_stack()
    world = context.read_world()
    context.engine.up(world.live, present(stack.schema, world))
    assert stack.world().live["personnel"].replicas == (ELSEWHERE,)
    assert there(stack).scan(TableName=stack.physical("personnel"))["Count"] == len(PEOPLE)
