"""Rollbacks of indexes and new tables, on the real engine: done, verified, and `migrate` goes to the end again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from migration.rollback.index import index_rollback
from migration.rollback.tables import tables_rollback
from migration.steps.stack.wait import deletable
from schema.errors import EngineLost, Interrupted, Refused, ToolError, UsageError, Waiting
from schema.model import AccessPattern, Schema
from schema.references import table_of
from sitelogix.tables import PERSONNEL, WORK_LOGS
from stack.declaration import present
from stack.gates.gate import own_reads
from stack.ledger.codec import written
from stack.ledger.intents import Intent, intending, is_intended
from stack.ledger.records import BackupProof, IndexProof, TableProof
from stack.ledger.rollback import IntentProof, RolledBackProof
from stack.world.live import LiveIndex, LiveTable
from tests.e2e.test_left_behind import Watching, becoming
from tests.snapshots import Snapshot
from tests.stacks import APPROVED, NEW, OLD, PEOPLE, SCHEMA, SmallStack

BUILT, REMOVED = "GSI2-StatusIndex", "GSI2-ProjectIndex"
A_LOG = {"PK": {"S": "REPORT#1"}, "SK": {"S": "WORKLOG#a#1"}, "team_id": {"S": "a"}, "report_date": {"S": "2025-01-01"}}


@pytest.fixture(scope="module")
def whole(migrated_once: Snapshot, tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> SmallStack:
    """A migrated stack, which each test leaves migrated to the end again."""
    return migrated_once.copy(tmp_path_factory.mktemp("rollbacks"), moto_endpoint, SCHEMA, APPROVED)


def test_a_new_index_is_removed_and_migrate_builds_it_again(whole: SmallStack) -> None:
    context = whole.context()
    proposal = index_rollback(context, "personnel", BUILT)
    assert proposal.says == (
        f"Removes index {NEW}. Items stay as they are; `migrate` builds it again.",
        "It replaced GSI2-ProjectIndex, which is gone.",
    )
    done = proposal.do()
    assert whole.indexes("personnel") == ["GSI1-NameIndex"]
    world = whole.world()
    assert NEW not in world.managed.indexes
    assert world.proofs.get(IndexProof, NEW) is None
    assert world.proofs.get(IntentProof, str(NEW)) is None
    assert done.ahead == (
        f"create-index {NEW}",
        f"verify-index {NEW}",
        "settle-capacity personnel",
        "late-writers personnel",
        f"shadow-read {NEW}",
        "verify",
    )
    event = context.history.newest(1)[0]
    assert (event.id, event.what, event.result) == (done.run, f"rollback of index {NEW}", "rolled back")
    assert [step.name for step in context.history.steps(done.run)] == [f"remove-index {NEW}", f"verify {NEW}"]
    assert tuple(one.step.name for one in whole.migrate().done) == done.ahead
    assert whole.indexes("personnel") == ["GSI1-NameIndex", BUILT]


def test_new_tables_are_removed_and_migrate_makes_them_again(whole: SmallStack) -> None:
    done = tables_rollback(whole.context(), []).do()
    assert whole.physical("work-logs") not in whole.client.list_tables()["TableNames"]
    assert (done.facts, done.ahead) == (
        {"removed": ["work-logs"], "backups": {}},
        (
            "create-tables work-logs",
            "verify-index work-logs/GSI1-ProjectDateIndex",
            "verify-index work-logs/GSI2-TeamIndex",
            "verify",
        ),
    )
    world = whole.world()
    assert "work-logs" not in {table_of(subject) for subject in world.managed.indexes | world.managed.tables}
    assert not any("work-logs" in key for key in world.proofs.by_key)
    whole.migrate()
    again = whole.world().live["work-logs"]
    assert (sorted(again.indexes), again.deletion_protection) == (
        ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"],
        True,
    )


def test_a_new_table_that_holds_data_is_removed_only_by_name_and_after_a_backup(whole: SmallStack) -> None:
    physical = whole.physical("work-logs")
    whole.client.put_item(TableName=physical, Item=A_LOG)
    with pytest.raises(Refused, match="New tables hold data: work-logs") as refused:
        tables_rollback(whole.context(), [])
    assert refused.value.next == "If that is right, add: --holding-data work-logs"
    assert whole.world().live["work-logs"].deletion_protection
    done = tables_rollback(whole.context(), ["work-logs"]).do()
    assert physical not in whole.client.list_tables()["TableNames"]
    arn = done.facts["backups"]["work-logs"]
    backed_up = whole.world().proofs.get(BackupProof, "work-logs")
    assert backed_up is not None
    assert backed_up.arn == arn
    backup: Any = dynamodb_backends["123456789012"]["us-east-1"].backups[arn]
    assert len(list(backup.table.all_items())) == 1
    whole.migrate()
    assert whole.client.scan(TableName=physical)["Count"] == 0


def delete_by_hand(stack: SmallStack, table: str) -> None:
    physical = stack.physical(table)
    stack.client.update_table(TableName=physical, DeletionProtectionEnabled=False)
    stack.client.delete_table(TableName=physical)


def test_a_new_table_that_somebody_else_deleted_is_forgotten_only_by_name(whole: SmallStack) -> None:
    delete_by_hand(whole, "work-logs")
    with pytest.raises(Refused, match="New tables are gone, and may have held data: work-logs"):
        tables_rollback(whole.context(), [])
    done = tables_rollback(whole.context(), ["work-logs"]).do()
    assert done.ahead[0] == "create-tables work-logs"
    whole.migrate()
    assert "work-logs" in whole.world().live


def leave_intents(stack: SmallStack, *resources: str) -> None:
    """Leaves what a rollback leaves that is killed in its `up`."""
    for resource in resources:
        stack.context().ledger.prove(IntentProof(subject=resource, intent=Intent.DELETE.value, lease="of a dead run"))


def test_a_rollback_that_was_killed_in_its_up_is_ended_by_repeating_it(whole: SmallStack) -> None:
    leave_intents(whole, str(NEW), "work-logs", "work-logs/GSI1-ProjectDateIndex", "work-logs/GSI2-TeamIndex")
    # AWS has done it, and Pulumi's state does not know.
    whole.drop_by_hand("personnel", BUILT)
    delete_by_hand(whole, "work-logs")
    with pytest.raises(Refused, match="Table work-logs does not exist"):
        whole.migrate()
    context = whole.context()
    proposal = tables_rollback(context, [])
    assert proposal.says == ("Forgets table work-logs, which is gone. `migrate` creates it again, empty.",)
    proposal.do()
    # The state has forgotten both; what was proven of the index goes with its own rollback, or when it is built again.
    done = [one.step.name for one in whole.migrate().done]
    assert {f"create-index {NEW}", f"verify-index {NEW}", "create-tables work-logs"} <= set(done)
    assert not any(isinstance(proof, IntentProof) for proof in whole.world().proofs.by_key.values())


def test_what_a_killed_rollback_leaves_allows_nobody_anything(whole: SmallStack) -> None:
    leave_intents(whole, str(NEW))
    context = whole.context()
    world = context.read_world()
    without = present(SCHEMA, world).without_index(NEW)
    with pytest.raises(Refused, match=f"Pulumi must not delete index {NEW}"):
        context.engine._run(world.live, without, dry=False)
    # Nor does a run that holds the stack and is no rollback.
    with context.ledger.lease.held("migrate"), pytest.raises(Refused, match=f"Pulumi must not delete index {NEW}"):
        context.engine._run(world.live, without, dry=False)
    assert BUILT in whole.indexes("personnel")


def test_a_rollback_whose_up_fails_takes_its_intent_back_and_is_repeated_once_aws_allows_it(whole: SmallStack) -> None:
    context = whole.context()
    seen: list[IntentProof | None] = []

    def up(*arguments: Any, **named: Any) -> Any:
        seen.append(context.ledger.proof(IntentProof, str(NEW)))
        raise EngineLost("`pulumi up` failed.", "The Pulumi engine was ended by signal 9.", "Run: ./invoke migrate")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        with pytest.raises(ToolError, match="`pulumi up` failed") as failed:
            index_rollback(context, "personnel", BUILT).do()
    assert failed.value.next == "Mend that, then repeat the rollback: it goes on from what is there."
    assert seen[0] is not None
    assert seen[0].intent == "delete"
    assert whole.world().proofs.get(IntentProof, str(NEW)) is None
    # And once AWS allows it.
    context = whole.context()
    watching = context.reporter = Watching(becoming(whole, BUILT, "CREATING"))
    proposal = index_rollback(context, "personnel", BUILT)
    assert proposal.says[1].startswith("First waits until AWS allows that")
    done = proposal.do()
    assert watching.told[0] == "GSI2-StatusIndex CREATING"
    assert next(step.name for step in context.history.steps(done.run)) == f"wait {NEW}"
    assert whole.indexes("personnel") == ["GSI1-NameIndex"]
    whole.migrate()


def test_the_waiting_ends_with_a_pause_or_an_interruption_and_nothing_is_changed(whole: SmallStack) -> None:
    end = becoming(whole, BUILT, "CREATING")
    context = whole.context()
    proposal = index_rollback(context, "personnel", BUILT)
    context.reporter = Watching(context.ledger.pause)
    with pytest.raises(Waiting, match="Stack local is paused"):
        proposal.do()
    end()
    with pytest.raises(Waiting, match="Stack local is paused"):
        proposal.do()
    context.ledger.resume()
    end = becoming(whole, BUILT, "CREATING")
    context.reporter = Watching(context.interrupts.requested.set)
    with pytest.raises(Interrupted):
        proposal.do()
    end()
    assert BUILT in whole.indexes("personnel")
    proof = whole.world().proofs.get(IndexProof, NEW)
    assert proof is not None
    assert proof.verified is not None


@pytest.mark.parametrize(
    ("status", "backfilling", "other", "table", "allowed"),
    [
        ("ACTIVE", False, "ACTIVE", "ACTIVE", True),
        ("CREATING", False, "ACTIVE", "ACTIVE", False),
        ("CREATING", True, "ACTIVE", "ACTIVE", True),
        ("CREATING", True, "ACTIVE", "UPDATING", True),
        ("UPDATING", False, "ACTIVE", "ACTIVE", False),
        ("DELETING", False, "ACTIVE", "ACTIVE", False),
        ("ACTIVE", False, "CREATING", "ACTIVE", False),
        ("ACTIVE", False, "ACTIVE", "UPDATING", False),
    ],
)
def test_an_index_is_deleted_only_when_aws_allows_it(
    status: str, backfilling: bool, other: str, table: str, allowed: bool
) -> None:
    index, another = PERSONNEL.indexes
    live = LiveTable(
        "personnel",
        status=table,
        indexes={index.name: LiveIndex(index, other), another.name: LiveIndex(another, status, backfilling)},
    )
    assert deletable(live, another.name) == allowed


def test_what_cannot_be_rolled_back_is_refused(stack: SmallStack) -> None:
    context = stack.context()
    with pytest.raises(Refused, match="Table personnel was never adopted"):
        index_rollback(context, "personnel", BUILT)
    with pytest.raises(Refused, match="Table work-logs does not exist"):
        index_rollback(context, "work-logs", "GSI2-TeamIndex")
    with pytest.raises(Refused, match="Stack local has no new table"):
        tables_rollback(context, [])
    for name in ("personnel", "nobodys", ""):
        with pytest.raises(UsageError, match=f"'{name}' is no new table"):
            tables_rollback(context, [name])
    context.ledger.create()
    context.ledger.prove(TableProof(subject="personnel", stream="arn"))
    with pytest.raises(Refused, match="Index personnel/GSI1-NameIndex is no new one"):
        index_rollback(context, "personnel", "GSI1-NameIndex")
    with pytest.raises(Refused, match=f"Index {NEW} is not there"):
        index_rollback(context, "personnel", BUILT)
    with pytest.raises(Refused, match=f"Index {OLD} is there"):
        index_rollback(context, "personnel", REMOVED)
    stack.build_by_hand("personnel", PERSONNEL.index(BUILT))
    proposal = index_rollback(context, "personnel", BUILT)
    with (
        stack.context().ledger.lease.held("migrate"),
        pytest.raises(Refused, match="Another run is at work on stack local: migrate"),
    ):
        proposal.do()
    assert BUILT in stack.indexes("personnel")


def test_what_reads_an_index_is_said_before(stack: SmallStack) -> None:
    schema = Schema((PERSONNEL, WORK_LOGS), (AccessPattern("inactive personnel", "personnel", BUILT),))
    stack.build_by_hand("personnel", PERSONNEL.index(BUILT))
    context = stack.context(schema)
    context.ledger.create()
    context.ledger.prove(TableProof(subject="personnel", stream="arn"))
    assert index_rollback(context, "personnel", BUILT).says == (
        f"Removes index {NEW}. Items stay as they are; `migrate` builds it again.",
        "What reads it fails from then on: inactive personnel.",
        "It replaced GSI2-ProjectIndex, which is still there.",
    )


def test_an_intent_lives_as_long_as_its_block(stack: SmallStack) -> None:
    ledger = stack.context().ledger
    ledger.create()
    with ledger.lease.held("rollback"):
        try:
            with intending(ledger, Intent.DELETE, [str(NEW), "work-logs"]):
                assert is_intended(ledger, Intent.DELETE, "work-logs")
                assert not is_intended(ledger, Intent.CREATE, "work-logs")
                assert not is_intended(ledger, Intent.DELETE, str(OLD))
                raise TimeoutError
        except TimeoutError:
            assert ledger.proofs().by_key == {}
        ledger.prove(IntentProof(subject=str(NEW), intent="delete", lease=ledger.lease.token))
        assert is_intended(ledger, Intent.DELETE, str(NEW))
    # The lease was given back, then taken by another run.
    assert not is_intended(ledger, Intent.DELETE, str(NEW))
    with ledger.lease.held("migrate"):
        assert not is_intended(ledger, Intent.DELETE, str(NEW))


def test_a_removed_retired_index_is_built_again_at_its_steady_capacity(whole: SmallStack) -> None:
    context = whole.context()
    done = index_rollback(context, "personnel", REMOVED).do()
    live = whole.world().live["personnel"].indexes[REMOVED]
    (retired,) = PERSONNEL.retired
    assert (live.index.definition, live.index.throughput) == (retired.index.definition, retired.index.throughput)
    found = whole.client.query(
        TableName=whole.physical("personnel"),
        IndexName=REMOVED,
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": "project_id"},
        ExpressionAttributeValues={":p": {"S": "p1"}},
    )
    assert found["Count"] == 1
    world = whole.world()
    assert OLD in world.managed.indexes
    proof = world.proofs.get(RolledBackProof, OLD)
    assert proof is not None
    assert proof.at is not None
    assert proof.by
    assert sum(own_reads(world.proofs, OLD).values()) == 2.0, "the read before the removal and this query are ours"
    steps = {step.name: step.facts for step in context.history.steps(done.run)}
    assert list(steps) == [
        f"create-index {OLD}",
        "settle-capacity personnel",
        f"verify-index {OLD}",
        f"verify {OLD}",
    ]
    assert steps[f"verify-index {OLD}"]["queried"] == "PERSON#1 / PROFILE"
    with pytest.raises(Refused, match=f"Index {OLD} is there"):
        index_rollback(whole.context(), "personnel", REMOVED)
    # The approval from before is no leave to remove it once more; a newer one is.
    (blocked,) = whole.migrate().blocked
    assert (blocked.ref, blocked.shut[0].name) == (OLD, "approved")
    assert blocked.shut[0].evidence.startswith(f"it was built again at {written(proof.at)} by ")
    newer = APPROVED.replace("2025-11-04", written(datetime.now(UTC) + timedelta(seconds=1)))
    whole.configure(f"{newer}  sitelogix:quietMinutes: 0\n")
    assert [one.step.name for one in whole.migrate().done][-2:] == [f"remove-index {OLD}", "verify"]


def test_a_building_again_that_broke_off_is_ended_by_repeating_it(whole: SmallStack) -> None:
    if REMOVED in whole.indexes("personnel"):
        whole.drop_by_hand("personnel", REMOVED)
        whole.migrate()
    context = whole.context()

    def up(*arguments: Any, **named: Any) -> Any:
        whole.build_by_hand("personnel", PERSONNEL.index(REMOVED), units=9)
        raise EngineLost("`pulumi up` failed.", "The Pulumi engine was ended by signal 9.", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        with pytest.raises(ToolError, match="`pulumi up` failed"):
            index_rollback(context, "personnel", REMOVED).do()
    assert OLD not in whole.world().managed.indexes
    index_rollback(whole.context(), "personnel", REMOVED).do()
    world = whole.world()
    assert OLD in world.managed.indexes
    proof = world.proofs.get(IndexProof, OLD)
    assert proof is not None
    assert proof.verified is not None
    assert world.live["personnel"].indexes[REMOVED].index.throughput == PERSONNEL.index(REMOVED).throughput


def test_a_table_that_was_restored_under_its_own_name_is_adopted_as_it_is(whole: SmallStack) -> None:
    physical, before = whole.physical("personnel"), whole.world().managed
    made = whole.client.create_backup(TableName=physical, BackupName="by-hand")
    delete_by_hand(whole, "personnel")
    whole.client.restore_table_from_backup(TargetTableName=physical, BackupArn=made["BackupDetails"]["BackupArn"])
    assert "adopt personnel" in [one.step.name for one in whole.migrate().done]
    after = whole.world()
    live = after.live["personnel"]
    assert after.managed.tables == before.tables
    assert (live.stream, live.point_in_time_recovery, live.deletion_protection) == ("NEW_AND_OLD_IMAGES", True, True)
    assert whole.client.scan(TableName=physical)["Count"] == len(PEOPLE)


def test_a_rollback_is_done_although_migrate_would_refuse_for_another_reason(whole: SmallStack) -> None:
    delete_by_hand(whole, "work-logs")
    context = whole.context()
    done = index_rollback(context, "personnel", BUILT).do()
    assert (done.ahead, BUILT in whole.indexes("personnel")) == ((), False)
    with pytest.raises(Refused, match="Table work-logs does not exist") as refused:
        whole.migrate()
    assert refused.value.next.endswith("If it may be forgotten, run: ./invoke rollback --new-tables")
