"""Each way in which Pulumi was seen to lose an index or a table, on the real engine: the care taken prevents it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from moto.dynamodb.models.table import Table

from migration.rollback.index import index_rollback
from migration.run.requests import raise_capacity
from schema.errors import Refused
from schema.model import Schema
from schema.parts import Attribute, Throughput
from sitelogix.tables import PERSONNEL, WORK_LOGS
from stack.declaration import present, whole
from stack.ledger.records import STACK, OwnerProof
from tests.snapshots import Snapshot
from tests.stacks import APPROVED, NAME, NEW, OLD, SCHEMA, SmallStack


def test_an_import_of_what_is_in_the_state_would_replace_it_and_is_refused(migrated: SmallStack) -> None:
    context = migrated.context()
    world = context.read_world()
    careless = replace(present(SCHEMA, world), imported_indexes=frozenset({NEW}))
    changes = context.engine.preview(world.live, careless)
    planned = {change.operation for change in changes if change.resource == str(NEW)}
    assert planned & {"replace", "import-replacement", "delete-replaced"}, "without care, the index is replaced"
    with pytest.raises(Refused, match="Pulumi would replace personnel/GSI2-StatusIndex"):
        context.engine.up(world.live, careless)
    assert migrated.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    assert not present(SCHEMA, world).has_imports


def test_an_index_with_other_keys_under_its_old_name_is_refused_by_plan_preview_and_hook(migrated: SmallStack) -> None:
    changed = replace(PERSONNEL.index("GSI2-StatusIndex"), sort_key=Attribute("createdAt"))
    schema = Schema((replace(PERSONNEL, indexes=(PERSONNEL.indexes[0], changed)), WORK_LOGS))
    with pytest.raises(Refused, match="live with another definition"):
        migrated.migrate(schema)
    context = migrated.context(schema)
    world = context.read_world()
    with pytest.raises(Refused, match="Pulumi would replace"):
        context.engine.up(world.live, whole(schema, context.config.settings, world.live))
    # Even an `up` that nobody previewed: the guards refuse before the old index is gone.
    with pytest.raises(Refused):
        context.engine._run(world.live, whole(schema, context.config.settings, world.live), dry=False)
    assert migrated.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_a_refused_deletion_stops_the_other_changes_of_that_up_too(migrated: SmallStack) -> None:
    schema = Schema((replace(PERSONNEL, indexes=PERSONNEL.indexes[1:]), WORK_LOGS))
    context = migrated.context(schema)
    world = context.read_world()
    wanted = whole(schema, context.config.settings, world.live)
    migrated.drop_by_hand("work-logs", "GSI2-TeamIndex")
    context.engine.refresh()
    with pytest.raises(Refused, match="Pulumi would delete personnel/GSI1-NameIndex"):
        context.engine.up(world.live, wanted)
    assert "GSI2-TeamIndex" not in migrated.indexes("work-logs"), "nothing was created either"
    with pytest.raises(Refused, match="Pulumi must not delete index personnel/GSI1-NameIndex"):
        context.engine._run(world.live, wanted, dry=False)
    assert "GSI1-NameIndex" in migrated.indexes("personnel")


def test_a_vanished_table_is_never_created_again(migrated: SmallStack) -> None:
    context = migrated.context()
    physical = migrated.physical("work-logs")
    migrated.client.update_table(TableName=physical, DeletionProtectionEnabled=False)
    migrated.client.delete_table(TableName=physical)
    with pytest.raises(Refused, match="Table work-logs does not exist"):
        migrated.migrate()
    context.engine.refresh()
    world = context.read_world()
    with pytest.raises(Refused, match="Table work-logs is gone"):
        context.engine.up(world.live, whole(SCHEMA, context.config.settings, world.live))
    assert physical not in migrated.client.list_tables()["TableNames"]


def test_an_approved_retired_index_that_was_never_adopted_is_adopted_and_then_removed(migrated: SmallStack) -> None:
    migrated.build_by_hand("personnel", PERSONNEL.index("GSI2-ProjectIndex"))
    done = [one.step.name for one in migrated.migrate().done]
    assert done == ["adopt personnel", f"remove-index {OLD}", "verify"]
    assert migrated.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_without_approval_the_old_index_stays_and_everything_else_is_done(
    unapproved_once: Snapshot, unapproved: SmallStack
) -> None:
    stack = unapproved
    assert unapproved_once.blocked == [str(OLD)]
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex", "GSI2-StatusIndex"]
    assert stack.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]
    again = stack.migrate()
    assert (again.run, [blocked.ref for blocked in again.blocked]) == (None, [OLD])
    stack.configure(APPROVED)
    assert [one.step.name for one in stack.migrate().done] == [f"read-index {OLD}", f"remove-index {OLD}", "verify"]
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_an_index_that_was_given_more_capacity_while_it_was_built_is_settled_by_the_next_run(
    migrated: SmallStack,
) -> None:
    def units() -> object:
        return migrated.world().live["personnel"].indexes["GSI2-StatusIndex"].index.throughput

    before = raise_capacity(migrated.context(), "personnel", "GSI2-StatusIndex", 40)
    assert (before, units()) == (Throughput(5, 5), Throughput(5, 40))
    with pytest.raises(Refused, match="was there before"):
        raise_capacity(migrated.context(), "personnel", "GSI1-NameIndex", 40)
    assert [one.step.name for one in migrated.migrate().done] == ["settle-capacity personnel", "verify"]
    assert units() == Throughput(5, 5)
    assert migrated.migrate().run is None


def test_an_index_that_aws_has_and_the_state_lacks_is_imported(stack: SmallStack) -> None:
    stack.build_by_hand("personnel", PERSONNEL.index("GSI2-StatusIndex"), units=9)
    done = [one.step.name for one in stack.migrate().done]
    assert f"create-index {NEW}" not in done
    assert f"verify-index {NEW}" in done
    assert NEW in stack.world().managed.indexes


def test_an_index_that_the_state_has_and_aws_lacks_is_forgotten_and_created(migrated: SmallStack) -> None:
    migrated.drop_by_hand("personnel", "GSI2-StatusIndex")
    done = [one.step.name for one in migrated.migrate().done]
    assert done[:3] == ["adopt personnel", f"create-index {NEW}", f"verify-index {NEW}"]
    assert migrated.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_protection_that_was_switched_off_by_hand_is_switched_on_again(migrated: SmallStack) -> None:
    physical = migrated.physical("personnel")
    migrated.client.update_table(TableName=physical, DeletionProtectionEnabled=False)
    migrated.client.update_continuous_backups(
        TableName=physical, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert [one.step.name for one in migrated.migrate().done] == ["adopt personnel", "verify"]
    live = migrated.world().live["personnel"]
    assert (live.deletion_protection, live.point_in_time_recovery) == (True, True)


def test_capacity_tags_and_class_that_others_set_stay(migrated: SmallStack) -> None:
    physical = migrated.physical("personnel")
    arn = migrated.client.describe_table(TableName=physical)["Table"]["TableArn"]
    migrated.client.update_table(
        TableName=physical, ProvisionedThroughput={"ReadCapacityUnits": 400, "WriteCapacityUnits": 300}
    )
    migrated.client.update_table(
        TableName=physical,
        GlobalSecondaryIndexUpdates=[
            {
                "Update": {
                    "IndexName": "GSI1-NameIndex",
                    "ProvisionedThroughput": {"ReadCapacityUnits": 70, "WriteCapacityUnits": 60},
                }
            }
        ],
    )
    migrated.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "CostCenter", "Value": "42"}])
    context = migrated.context()
    context.engine.refresh()
    world = context.read_world()
    assert context.engine.preview(world.live, whole(SCHEMA, context.config.settings, world.live)) == []
    assert migrated.migrate().run is None
    tags = migrated.client.list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert {"Key": "CostCenter", "Value": "42"} in tags
    assert world.live["personnel"].throughput is not None
    assert world.live["personnel"].throughput.read == 400


def test_tables_of_another_stack_are_refused(migrated: SmallStack) -> None:
    migrated.context().ledger.prove(OwnerProof(subject=STACK, stack="prod"))
    with pytest.raises(Refused, match="These tables belong to stack prod"):
        migrated.migrate()


@pytest.mark.parametrize(
    ("tag", "owner"),
    [
        ({"Key": "aws:cloudformation:stack-name", "Value": "legacy"}, "CloudFormation stack legacy"),
        pytest.param({"Key": "managed-by", "Value": "Terraform"}, "Terraform", marks=pytest.mark.long),
    ],
)
def test_a_table_that_another_tool_manages_needs_to_be_acknowledged(migrated: SmallStack, tag: Any, owner: str) -> None:
    arn = migrated.client.describe_table(TableName=migrated.physical("personnel"))["Table"]["TableArn"]
    migrated.client.tag_resource(ResourceArn=arn, Tags=[tag])
    with pytest.raises(Refused, match=f"Table personnel is managed by {owner}"):
        migrated.migrate()
    migrated.configure(APPROVED + "  sitelogix:acknowledgedOwners: [personnel]\n")
    migrated.drop_by_hand("personnel", "GSI2-StatusIndex")
    summary = migrated.migrate()
    assert f"create-index {NEW}" in [one.step.name for one in summary.done]
    assert summary.left_alone == (f"personnel is tagged as managed by {owner}",)


def test_what_is_not_handled_of_a_table_is_refused_before_anything_is_changed(
    stack: SmallStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    physical, describe = stack.physical("personnel"), Table.describe

    def described(table: Table, *arguments: Any, **named: Any) -> dict[str, Any]:
        found: dict[str, Any] = describe(table, *arguments, **named)
        for description in found.values():
            if description["TableName"] == physical:
                description["VectorIndexes"] = [{"IndexName": "odd"}]
        return found

    monkeypatch.setattr(Table, "describe", described)
    message = "Table personnel has what keyshift does not handle: VectorIndexes"
    with pytest.raises(Refused, match=message):
        stack.migrate()
    with pytest.raises(Refused, match=message):
        index_rollback(stack.context(), NEW.table, NEW.index)
    assert [name for name in stack.client.list_tables()["TableNames"] if name.startswith(stack.prefix)] == [physical]
    assert stack.client.list_backups(TableName=physical)["BackupSummaries"] == []
    monkeypatch.undo()
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex"]


def test_a_stream_that_the_stack_keeps_is_the_same_after_the_migration(stack: SmallStack) -> None:
    table = stack.physical("personnel")
    keys_only: Any = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    stack.client.update_table(TableName=table, StreamSpecification=keys_only)
    stream = stack.client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    with pytest.raises(Refused, match="already has a stream, with view type KEYS_ONLY"):
        stack.migrate()
    stack.configure(f"{APPROVED}  {NAME}:keepStream: [personnel]\n")
    summary = stack.migrate()
    assert summary.done[-1].step.name == "verify"
    described = stack.client.describe_table(TableName=table)["Table"]
    assert (described["StreamSpecification"], described["LatestStreamArn"]) == (keys_only, stream)
    assert stack.migrate().run is None
