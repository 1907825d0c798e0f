"""A table restored beside the live one, and what differs. The stack was never migrated: restoring needs no more."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from migration.rollback.restoring import restoration
from migration.steps.tables.compare import DefinitionDifference
from migration.steps.tables.restore import at_time, from_backup
from schema.errors import Refused, UsageError, Waiting
from stack.ledger.records import BackupProof
from stack.ledger.rollback import RestoredProof
from tests.stacks import PEOPLE, SmallStack

PERSON = {"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}}
ALL_EQUAL = {"equal": 2, "different": 0, "only_restored": 0, "only_live": 0, "attributes": {}}


def back_up(stack: SmallStack, table: str = "personnel") -> str:
    made = stack.client.create_backup(TableName=stack.physical(table), BackupName="by-hand")
    return made["BackupDetails"]["BackupArn"]


def change(stack: SmallStack) -> None:
    """What the application does after the backup: one item changed, one deleted, one added."""
    physical = stack.physical("personnel")
    stack.client.put_item(TableName=physical, Item={**PERSON, "full_name": {"S": "Ana B."}, "note": {"S": "new"}})
    stack.client.delete_item(TableName=physical, Key={name: PEOPLE[1][name] for name in ("PK", "SK")})
    stack.client.put_item(TableName=physical, Item={"PK": {"S": "PERSON#2"}, "SK": {"S": "PROFILE"}})


def test_a_table_is_restored_from_its_latest_backup_and_compared_with_the_live_one(stack: SmallStack) -> None:
    arn = back_up(stack)
    change(stack)
    stack.client.update_table(TableName=stack.physical("personnel"), DeletionProtectionEnabled=True)
    context = stack.context()
    proposal = restoration(context, "personnel", from_backup(context, "personnel", "latest"))
    restored = stack.physical("personnel-restored")
    assert proposal.says[0] == (
        f"Restores table personnel as it was in backup {arn}, into {restored}. The live table stays as it is."
    )
    assert restored not in stack.client.list_tables()["TableNames"]
    done = proposal.do()
    counts = {"equal": 0, "different": 1, "only_restored": 1, "only_live": 1}
    assert done.found["compared"] == {**counts, "attributes": {"full_name": 1, "note": 1, "project_id": 1}}
    examples = {kind: [json.loads(key) for key in keys] for kind, keys in done.found["examples"].items()}
    assert examples == {
        "different": [PERSON],
        "only_restored": [{name: PEOPLE[1][name] for name in ("PK", "SK")}],
        "only_live": [{"PK": {"S": "PERSON#2"}, "SK": {"S": "PROFILE"}}],
    }
    assert asdict(DefinitionDifference("deletion protection", "on", "off")) in done.found["definition"]
    assert len(stack.client.scan(TableName=restored)["Items"]) == 2
    event = context.history.newest(1)[0]
    assert (event.id, event.what, event.result) == (
        done.run,
        f"rollback of table personnel to backup {arn}",
        "rolled back",
    )
    steps = {step.name: step.facts for step in context.history.steps(done.run)}
    recorded = {name: fact for name, fact in done.found.items() if name != "examples"}
    assert steps["compare personnel"] == recorded, "no item's key is in the history"
    proof = context.ledger.proof(RestoredProof, "personnel")
    assert proof is not None
    assert (proof.source, proof.compared) == (f"backup {arn}", counts)
    again = stack.context()
    with pytest.raises(Refused, match=f"Table {restored} is already there") as refused:
        restoration(again, "personnel", from_backup(again, "personnel", "latest"))
    assert f"aws dynamodb delete-table --table-name {restored}" in refused.value.next


def test_the_backup_that_the_ledger_has_proven_is_the_latest_one(stack: SmallStack) -> None:
    proven, later = back_up(stack), back_up(stack)
    context = stack.context()
    assert from_backup(context, "personnel", "latest").backup == later
    context.ledger.create()
    context.ledger.prove(BackupProof(subject="personnel", schema="", arn=proven))
    assert from_backup(context, "personnel", "latest").backup == proven
    stack.client.delete_backup(BackupArn=proven)
    assert from_backup(context, "personnel", "latest").backup == later
    backend: Any = dynamodb_backends["123456789012"]["us-east-1"]
    backend.backups[later].status = "CREATING"
    with pytest.raises(Refused, match="There is no backup of table personnel"):
        from_backup(context, "personnel", "latest")
    with pytest.raises(Refused, match="That backup is CREATING"):
        from_backup(context, "personnel", later)


def test_a_backup_that_is_not_there_or_of_another_table_is_refused(stack: SmallStack) -> None:
    context = stack.context()
    for name in ("", "newest", "arn:aws:dynamodb:us-east-1:123456789012:table/x/backup/01", f"{back_up(stack)}0"):
        with pytest.raises(UsageError, match="There is no backup"):
            from_backup(context, "personnel", name)
    with pytest.raises(UsageError, match=f"That backup is of table {stack.physical('personnel')}"):
        from_backup(context, "work-logs", back_up(stack))


def test_a_table_is_restored_to_a_time_that_aws_has_kept(stack: SmallStack) -> None:
    context, physical = stack.context(), stack.physical("personnel")
    now = datetime.now(UTC)
    with pytest.raises(Refused, match="Table personnel has no point-in-time recovery"):
        at_time(context, "personnel", now)
    stack.client.update_continuous_backups(
        TableName=physical, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    with pytest.raises(Refused, match="Table personnel cannot be restored to") as refused:
        at_time(context, "personnel", now - timedelta(days=1))
    assert refused.value.why.startswith("AWS has kept it from ")
    described = stack.client.describe_continuous_backups(TableName=physical)["ContinuousBackupsDescription"]
    kept = described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"].astimezone(UTC)
    done = restoration(context, "personnel", at_time(context, "personnel", kept)).do()
    assert (done.found["compared"], done.source) == (ALL_EQUAL, f"{kept:%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(Refused, match="Table work-logs does not exist"):
        at_time(context, "work-logs", now)


def test_a_restoration_that_was_broken_off_goes_on(stack: SmallStack) -> None:
    arn, context = back_up(stack), stack.context()
    source = from_backup(context, "personnel", arn)
    proposal = restoration(context, "personnel", source)
    context.interrupts.requested.clear()
    restore = context.client.restore_table_from_backup

    def slow(**named: Any) -> Any:
        """AWS has begun, and somebody pauses the stack while it is waited for."""
        answer = restore(**named)
        table: Any = dynamodb_backends["123456789012"]["us-east-1"].tables[named["TargetTableName"]]
        table.table_status = "CREATING"
        context.ledger.pause()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.client, "restore_table_from_backup", slow)
        with pytest.raises(Waiting, match="Stack local is paused"):
            proposal.do()
    context.ledger.resume()
    other = from_backup(context, "personnel", back_up(stack))
    with pytest.raises(Refused, match="is already there"):
        restoration(context, "personnel", other)
    table: Any = dynamodb_backends["123456789012"]["us-east-1"].tables[stack.physical("personnel-restored")]
    table.table_status = "ACTIVE"
    done = restoration(stack.context(), "personnel", source).do()
    assert done.found["compared"] == ALL_EQUAL


def test_a_table_that_is_gone_is_restored_from_its_backup(stack: SmallStack) -> None:
    back_up(stack)
    stack.client.delete_table(TableName=stack.physical("personnel"))
    context = stack.context()
    proposal = restoration(context, "personnel", from_backup(context, "personnel", "latest"))
    assert proposal.says[2] == "There is no live table personnel to compare it with."
    done = proposal.do()
    assert (done.found["compared"], done.found["definition"]) == (None, [])
    assert stack.client.scan(TableName=stack.physical("personnel-restored"))["Count"] == 2
