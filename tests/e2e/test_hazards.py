"""Each way in which Pulumi was seen to lose an index or a table, on the real engine: the care taken prevents it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from local.stack import create_table
from migration.runner import migrate
from schema.model import Attribute, Schema
from schema.sitelogix import PERSONNEL, WORK_LOGS
from stack.declaration import present, whole
from stack.errors import EngineLost, Interrupted, Refused, Waiting
from stack.ledger import Facts
from stack.processes import host
from terminal.progress import SilentObserver
from tests.stacks import APPROVED, SmallStack

SCHEMA = Schema((PERSONNEL, WORK_LOGS))
PEOPLE: list[dict[str, Any]] = [
    {"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}, "full_name": {"S": "Ana"}, "project_id": {"S": "p1"}},
    {"PK": {"S": "PERSON#1"}, "SK": {"S": "HISTORY#r1#2025-03-03T00:00:00Z"}},
]
OLD, NEW = "personnel/GSI2-ProjectIndex", "personnel/GSI2-StatusIndex"


@pytest.fixture
def stack(tmp_path: Path, moto_endpoint: str) -> SmallStack:
    """The pre-migration table, and a stack file that approves the removal of the old index."""
    made = SmallStack.make(tmp_path, moto_endpoint, SCHEMA, APPROVED)
    made.seed({"personnel": PEOPLE})
    return made


@pytest.fixture
def migrated(stack: SmallStack) -> SmallStack:
    """The same, migrated to the end."""
    stack.migrate()
    return stack


def test_an_import_of_what_is_in_the_state_would_replace_it_and_is_refused(migrated: SmallStack) -> None:
    context = migrated.context()
    world = context.read_world()
    careless = replace(present(SCHEMA, world), imports=frozenset({NEW}))
    planned = {change.operation for change in context.engine.preview(world.live, careless) if change.resource == NEW}
    assert planned & {"replace", "import-replacement", "delete-replaced"}, "without care, the index is replaced"
    with pytest.raises(Refused, match="Pulumi would replace personnel/GSI2-StatusIndex"):
        context.engine.up(world.live, careless)
    assert migrated.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    assert present(SCHEMA, world).imports == frozenset()


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


def test_a_refused_deletion_stops_the_other_changes_of_that_up_too(stack: SmallStack) -> None:
    stack.migrate()
    schema = Schema((replace(PERSONNEL, indexes=PERSONNEL.indexes[1:]), WORK_LOGS))
    context = stack.context(schema)
    world = context.read_world()
    wanted = whole(schema, context.config.settings, world.live)
    stack.drop_by_hand("work-logs", "GSI2-TeamIndex")
    context.engine.refresh()
    with pytest.raises(Refused, match="Pulumi would delete personnel/GSI1-NameIndex"):
        context.engine.up(world.live, wanted)
    assert "GSI2-TeamIndex" not in stack.indexes("work-logs"), "nothing was created either"
    with pytest.raises(Refused, match="Pulumi must not delete index personnel/GSI1-NameIndex"):
        context.engine._run(world.live, wanted, dry=False)
    assert "GSI1-NameIndex" in stack.indexes("personnel")


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


def test_without_approval_the_old_index_stays_and_everything_else_is_done(tmp_path: Path, moto_endpoint: str) -> None:
    stack = SmallStack.make(tmp_path, moto_endpoint, SCHEMA)
    stack.seed({"personnel": PEOPLE})
    summary = stack.migrate()
    assert [held.subject for held in summary.held] == [OLD]
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex", "GSI2-StatusIndex"]
    assert stack.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]
    again = stack.migrate()
    assert (again.run, [held.subject for held in again.held]) == (None, [OLD])
    stack.configure(APPROVED)
    assert [one.step.name for one in stack.migrate().done] == [f"remove-index {OLD}", "verify"]
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


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


class Watching(SilentObserver):
    """Keeps what a run tells of its progress."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        self.told.append(text)


def becoming(stack: SmallStack, index: str, status: str) -> threading.Timer:
    """Has AWS say for a while that an index of personnel is in that state, and then what comes of it."""
    backend: Any = dynamodb_backends["123456789012"]["us-east-1"]
    found = next(one for one in backend.tables[stack.physical("personnel")].global_indexes if one.name == index)
    found.status = status

    def end() -> None:
        if status == "DELETING":
            stack.drop_by_hand("personnel", index)
        found.status = "ACTIVE"

    timer = threading.Timer(3.0, end)
    timer.start()
    return timer


@pytest.mark.parametrize("status", ["CREATING", "DELETING"])
def test_an_index_that_is_being_created_or_deleted_is_waited_for_and_then_adopted_or_made(
    stack: SmallStack, status: str
) -> None:
    stack.build_by_hand("personnel", PERSONNEL.index("GSI2-StatusIndex"), units=9)
    timer = becoming(stack, "GSI2-StatusIndex", status)
    context = stack.context()
    watching = context.observer = Watching()
    done = [one.step.name for one in migrate(context).done]
    timer.join()
    assert done[1] == "wait personnel"
    assert f"GSI2-StatusIndex {status}" in watching.told
    assert (f"create-index {NEW}" in done) == (status == "DELETING")
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_a_pause_and_an_interruption_end_the_waiting_for_an_index(stack: SmallStack) -> None:
    stack.build_by_hand("personnel", PERSONNEL.index("GSI2-StatusIndex"))
    timer = becoming(stack, "GSI2-StatusIndex", "CREATING")
    context = stack.context()
    watching = context.observer = Watching()
    context.ledger.create()
    threading.Timer(1.0, context.ledger.pause).start()
    with pytest.raises(Waiting, match="Stack local is paused"):
        migrate(context)
    assert watching.told[0] == "GSI2-StatusIndex CREATING"
    timer.join()
    context.ledger.resume()
    timer = becoming(stack, "GSI2-StatusIndex", "CREATING")
    threading.Timer(1.0, context.interrupts.requested.set).start()
    with pytest.raises(Interrupted, match=r"Stopped in wait personnel, step 1 of \d+\."):
        migrate(context)
    timer.join()


def test_a_table_that_a_crashed_plugin_left_behind_is_adopted(stack: SmallStack) -> None:
    create_table(stack.client, stack.physical("work-logs"), replace(WORK_LOGS, indexes=WORK_LOGS.indexes[:1]))
    done = [one.step.name for one in stack.migrate().done]
    assert "create-tables work-logs" not in done
    assert "create-index work-logs/GSI2-TeamIndex" in done
    assert stack.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]
    assert stack.world().live["work-logs"].deletion_protection


def test_what_a_killed_up_left_pending_is_cleared(migrated: SmallStack) -> None:
    state = migrated.checkpoint()
    latest = state["checkpoint"]["latest"]
    new = next(resource for resource in latest["resources"] if resource["urn"].endswith(f"::{NEW}"))
    latest["resources"] = [resource for resource in latest["resources"] if resource is not new]
    pending = {name: value for name, value in new.items() if name not in {"id", "outputs", "created", "modified"}}
    latest["pending_operations"] = [{"resource": pending, "type": "creating"}]
    migrated.replace_checkpoint(state)
    assert migrated.world().managed.pending == 1
    assert [one.step.name for one in migrated.migrate().done] == ["adopt personnel", "verify"]
    world = migrated.world()
    assert (world.managed.pending, NEW in world.managed.indexes) == (0, True)


def test_a_lost_state_is_made_again_from_what_is_live(migrated: SmallStack) -> None:
    before = migrated.world().managed
    shutil.rmtree(migrated.directory / ".local" / "state")
    assert [one.step.name for one in migrated.migrate().done] == ["adopt personnel, work-logs", "verify"]
    assert migrated.world().managed == before


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
    migrated.context().ledger.prove("owner", "stack", {"stack": "prod"})
    with pytest.raises(Refused, match="These tables belong to stack prod"):
        migrated.migrate()


@pytest.mark.parametrize(
    ("tag", "owner"),
    [
        ({"Key": "aws:cloudformation:stack-name", "Value": "legacy"}, "CloudFormation stack legacy"),
        ({"Key": "managed-by", "Value": "Terraform"}, "Terraform"),
    ],
)
def test_a_table_that_another_tool_manages_needs_to_be_acknowledged(stack: SmallStack, tag: Any, owner: str) -> None:
    arn = stack.client.describe_table(TableName=stack.physical("personnel"))["Table"]["TableArn"]
    stack.client.tag_resource(ResourceArn=arn, Tags=[tag])
    with pytest.raises(Refused, match=f"Table personnel is managed by {owner}"):
        stack.migrate()
    stack.configure(APPROVED + "  sitelogix:acknowledgedOwners: [personnel]\n")
    summary = stack.migrate()
    assert summary.left_alone == (f"personnel is tagged as managed by {owner}",)


def test_a_connection_to_the_engine_that_breaks_is_planned_anew_once_a_step(stack: SmallStack) -> None:
    context = stack.context()
    working, broken = context.engine.up, iter([True, False, False, True])

    def up(*arguments: Any, **named: Any) -> Any:
        if next(broken, False):
            raise EngineLost("`pulumi up` failed.", "The connection to the Pulumi engine broke.", "")
        return working(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        summary = migrate(context)
    assert summary.held == ()
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_a_connection_that_breaks_twice_in_a_step_ends_the_run(stack: SmallStack) -> None:
    context = stack.context()

    def up(*arguments: Any, **named: Any) -> Any:
        raise EngineLost("`pulumi up` failed.", "The connection to the Pulumi engine broke.", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        with pytest.raises(EngineLost):
            migrate(context)
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex"]


def lock_state(stack: SmallStack, machine: str, pid: int, at: datetime) -> Path:
    """Leaves a lock as Pulumi leaves one."""
    directory = stack.state / "locks" / "organization" / "sitelogix" / "local"
    directory.mkdir(parents=True, exist_ok=True)
    lock = directory / f"{uuid.uuid4()}.json"
    told = {"pid": pid, "username": "somebody", "hostname": machine, "timestamp": at.isoformat()}
    lock.write_text(json.dumps(told), encoding="utf-8")
    return lock


def test_a_lock_of_pulumis_is_cancelled_only_when_its_owner_is_surely_gone(migrated: SmallStack) -> None:
    now = datetime.now(UTC)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as another:
        time.sleep(0.1)
        owners = {"alive": (host(), another.pid, now), "of another machine": ("elsewhere", 1, now)}
        for machine, pid, at in owners.values():
            migrated.drop_by_hand("work-logs", "GSI2-TeamIndex")
            lock = lock_state(migrated, machine, pid, at + timedelta(seconds=5))
            with pytest.raises(Refused, match="Another Pulumi process holds this stack's state") as refused:
                migrated.migrate()
            assert f"created by somebody@{machine} (pid {pid})" in refused.value.why
            assert lock.exists()
            assert "GSI2-TeamIndex" not in migrated.indexes("work-logs")
            lock.unlink()
            migrated.migrate()
        # The same id, but of a process that started after the lock was made: that one's owner is gone.
        migrated.drop_by_hand("work-logs", "GSI2-TeamIndex")
        lock = lock_state(migrated, host(), another.pid, now - timedelta(hours=1))
        migrated.migrate()
        assert not lock.exists()
        # A zombie answers to its id, and is gone all the same.
        another.kill()
        migrated.drop_by_hand("work-logs", "GSI2-TeamIndex")
        lock = lock_state(migrated, host(), another.pid, now + timedelta(seconds=5))
        migrated.migrate()
        assert not lock.exists()
    assert migrated.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]
