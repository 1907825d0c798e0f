"""Rollbacks of indexes and new tables, on the real engine: done, verified, and `migrate` goes to the end again."""

from __future__ import annotations

from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from migration.removing import tables_rollback
from migration.undoing import index_rollback
from schema.sitelogix import PERSONNEL
from stack.errors import Refused
from tests.stacks import NEW, OLD, SmallStack

BUILT, REMOVED = "GSI2-StatusIndex", "GSI2-ProjectIndex"
A_LOG = {"PK": {"S": "REPORT#1"}, "SK": {"S": "WORKLOG#a#1"}, "team_id": {"S": "a"}, "report_date": {"S": "2025-01-01"}}


def roll_back_index(stack: SmallStack, index: str) -> Any:
    return index_rollback(stack.context(), "personnel", index).do()


def test_a_new_index_is_removed_and_migrate_builds_it_again(migrated: SmallStack) -> None:
    context = migrated.context()
    proposal = index_rollback(context, "personnel", BUILT)
    assert proposal.says == (
        f"Removes index {NEW}. Items stay as they are; `migrate` builds it again.",
        "It replaced GSI2-ProjectIndex, which is gone.",
    )
    done = proposal.do()
    assert migrated.indexes("personnel") == ["GSI1-NameIndex"]
    world = migrated.world()
    assert NEW not in world.managed.indexes
    assert world.proofs.of("index", NEW) is None
    assert world.proofs.of("rollback", NEW) is None
    assert done.ahead == (f"create-index {NEW}", f"verify-index {NEW}", "settle-capacity personnel", "verify")
    event = context.history.newest(1)[0]
    assert (event.id, event.what, event.result) == (done.run, f"rollback of index {NEW}", "done")
    assert [step.name for step in context.history.steps(done.run)] == [f"remove-index {NEW}", f"verify {NEW}"]
    assert tuple(one.step.name for one in migrated.migrate().done) == done.ahead
    assert migrated.indexes("personnel") == ["GSI1-NameIndex", BUILT]


def test_a_removed_retired_index_is_built_again_at_its_steady_capacity(migrated: SmallStack) -> None:
    context = migrated.context()
    done = index_rollback(context, "personnel", REMOVED).do()
    live = migrated.world().live["personnel"].indexes[REMOVED]
    (retired,) = PERSONNEL.retired
    assert (live.index.definition, live.index.throughput) == (retired.index.definition, retired.index.throughput)
    found = migrated.client.query(
        TableName=migrated.physical("personnel"),
        IndexName=REMOVED,
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": "project_id"},
        ExpressionAttributeValues={":p": {"S": "p1"}},
    )
    assert found["Count"] == 1
    world = migrated.world()
    assert OLD in world.managed.indexes
    proof = world.proofs.of("rolled-back", OLD)
    assert proof is not None
    assert {"by", "at"} <= set(proof)
    steps = {step.name: step.facts for step in context.history.steps(done.run)}
    assert list(steps) == [
        f"create-index {OLD}",
        "settle-capacity personnel",
        f"verify-index {OLD}",
        f"verify {OLD}",
    ]
    assert steps[f"verify-index {OLD}"]["queried"] == "PERSON#1 / PROFILE"
    migrated.migrate()
    with pytest.raises(Refused, match=f"Index {NEW} is not there|is there"):
        roll_back_index(migrated, BUILT) and roll_back_index(migrated, BUILT)


def test_new_tables_are_removed_and_migrate_makes_them_again(migrated: SmallStack) -> None:
    done = tables_rollback(migrated.context(), []).do()
    assert migrated.physical("work-logs") not in migrated.client.list_tables()["TableNames"]
    assert (done.facts, done.ahead) == (
        {"removed": ["work-logs"], "backups": {}},
        (
            "create-tables work-logs",
            "verify-index work-logs/GSI1-ProjectDateIndex",
            "verify-index work-logs/GSI2-TeamIndex",
            "verify",
        ),
    )
    world = migrated.world()
    assert not any("work-logs" in name for name in world.managed.indexes | world.managed.tables)
    assert not any("work-logs" in name for name in world.proofs.facts)
    migrated.migrate()
    again = migrated.world().live["work-logs"]
    assert (sorted(again.indexes), again.deletion_protection) == (
        ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"],
        True,
    )


def test_a_new_table_that_holds_data_is_removed_only_by_name_and_after_a_backup(migrated: SmallStack) -> None:
    physical = migrated.physical("work-logs")
    migrated.client.put_item(TableName=physical, Item=A_LOG)
    with pytest.raises(Refused, match="New tables hold data: work-logs") as refused:
        tables_rollback(migrated.context(), [])
    assert refused.value.next == "If that is right, add: --holding-data work-logs"
    assert migrated.world().live["work-logs"].deletion_protection
    done = tables_rollback(migrated.context(), ["work-logs"]).do()
    assert physical not in migrated.client.list_tables()["TableNames"]
    arn = done.facts["backups"]["work-logs"]
    assert (migrated.world().proofs.of("backup", "work-logs") or {})["arn"] == arn
    backup: Any = dynamodb_backends["123456789012"]["us-east-1"].backups[arn]
    assert len(list(backup.table.all_items())) == 1
    migrated.migrate()
    assert migrated.client.scan(TableName=physical)["Count"] == 0
