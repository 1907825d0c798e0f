"""What a rollback never does, over the AWS protocol and without Pulumi. That Pulumi does the rest is in tests/e2e."""

from __future__ import annotations

from typing import Any

import pytest

from local.stack import create_table
from migration.rollback.index import index_rollback
from migration.rollback.restoring import restoration
from migration.rollback.tables import tables_rollback
from migration.session.context import Context
from migration.steps.tables.restore import Source
from schema.errors import Refused
from schema.references import IndexRef
from sitelogix.tables import PERSONNEL, REPORTS, WORK_LOGS
from stack.gates.gate import approved
from stack.ledger.intents import Intent, intending, is_intended
from stack.ledger.records import IndexProof
from stack.ledger.rollback import RestoredProof
from stack.world.live import read_table
from stack.world.managed import Managed
from tests.conftest import EmulatedStack
from tests.moto.test_backfill_decisions import context
from tests.rolling_back import RecordingEngine
from tests.worlds import RETIRED, TIME, approving

NEW = "personnel/GSI2-StatusIndex"
A_PERSON = {"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}, "project_id": {"S": "p1"}}
A_LOG = {"PK": {"S": "REPORT#1"}, "SK": {"S": "WORKLOG#a#1"}}
LOGS = Managed(
    created=True,
    tables=frozenset({"work-logs"}),
    indexes=frozenset(WORK_LOGS.refs),
)
PEOPLE = Managed(
    created=True,
    tables=frozenset({"personnel"}),
    indexes=frozenset({IndexRef("personnel", "GSI1-NameIndex"), RETIRED}),
)
BACKUP = "arn:aws:dynamodb:us-east-1:123456789012:table/test-reports/backup/01"


def made(stack: EmulatedStack, state: Managed) -> tuple[Context, RecordingEngine]:
    """A context whose engine keeps what it is asked to do."""
    found, engine = context(stack), RecordingEngine(state)
    found.engine = engine
    return found, engine


def with_logs(stack: EmulatedStack, *items: dict[str, Any]) -> str:
    """Creates the new table work-logs with these items; returns its physical name."""
    physical = stack.config.physical_name("work-logs")
    create_table(stack.client, physical, WORK_LOGS)
    for item in items:
        stack.client.put_item(TableName=physical, Item=item)
    return physical


def test_an_index_that_was_live_before_the_migration_is_never_removed(moto_stack: EmulatedStack) -> None:
    moto_stack.create("personnel", [])
    found, engine = made(moto_stack, PEOPLE)
    with pytest.raises(Refused, match="Index personnel/GSI1-NameIndex is no new one"):
        index_rollback(found, "personnel", "GSI1-NameIndex")
    assert engine.ups == 0


def test_an_index_that_was_built_again_needs_a_newer_approval(moto_stack: EmulatedStack) -> None:
    moto_stack.create("personnel", [A_PERSON])
    found, _ = made(moto_stack, PEOPLE)
    live = read_table(found.client, found.config, "personnel")
    assert live is not None
    # A rollback that was killed has begun to build it.
    found.ledger.prove(IndexProof(subject=RETIRED, table_id=live.id, started=TIME))
    (retired,) = PERSONNEL.retired
    assert approved(PERSONNEL, retired, approving(), found.ledger.proofs())
    index_rollback(found, "personnel", retired.name).do()
    assert not approved(PERSONNEL, retired, approving(), found.ledger.proofs())


def test_a_new_table_that_holds_data_is_removed_only_by_name(moto_stack: EmulatedStack) -> None:
    with_logs(moto_stack, A_LOG)
    found, engine = made(moto_stack, LOGS)
    with pytest.raises(Refused, match="New tables hold data: work-logs") as refused:
        tables_rollback(found, [])
    assert refused.value.next == "If that is right, add: --holding-data work-logs"
    assert engine.ups == 0


def test_a_table_that_somebody_fills_while_it_is_rolled_back_stays(moto_stack: EmulatedStack) -> None:
    physical = with_logs(moto_stack)
    found, engine = made(moto_stack, LOGS)

    def up(deletions: frozenset[str]) -> None:
        moto_stack.client.put_item(TableName=physical, Item=A_LOG)

    engine.on_up = up
    with pytest.raises(Refused, match="New tables hold data: work-logs"):
        tables_rollback(found, []).do()
    assert engine.deletions == [frozenset()], "only its protection was taken off"


def test_a_table_that_holds_data_is_backed_up_before_it_goes(moto_stack: EmulatedStack) -> None:
    physical = with_logs(moto_stack, A_LOG)
    found, engine = made(moto_stack, LOGS)
    backups: list[str] = []

    def up(deletions: frozenset[str]) -> None:
        if deletions:
            listed = moto_stack.client.list_backups(TableName=physical)["BackupSummaries"]
            backups.extend(backup["BackupArn"] for backup in listed)
            moto_stack.client.delete_table(TableName=physical)
            engine.state = Managed(created=True)

    engine.on_up = up
    done = tables_rollback(found, ["work-logs"]).do()
    assert done.facts == {"removed": ["work-logs"], "backups": {"work-logs": backups[0]}}


def test_a_new_table_that_somebody_else_deleted_is_forgotten_only_by_name(moto_stack: EmulatedStack) -> None:
    found, _ = made(moto_stack, LOGS)
    with pytest.raises(Refused, match="New tables are gone, and may have held data: work-logs"):
        tables_rollback(found, [])


@pytest.mark.parametrize("proven", [None, "backup of another day"])
def test_a_table_is_never_restored_over_another_one(moto_stack: EmulatedStack, proven: str | None) -> None:
    create_table(moto_stack.client, moto_stack.config.physical_name("reports-restored"), REPORTS)
    found, _ = made(moto_stack, Managed())
    if proven:
        # A rollback that was killed has asked for it, from something else.
        found.ledger.prove(RestoredProof(subject="reports", source=proven))
    with pytest.raises(Refused, match="reports-restored is already there"):
        restoration(found, "reports", Source(BACKUP))


def test_an_intent_to_delete_is_for_what_it_names_and_ends_with_its_block(moto_stack: EmulatedStack) -> None:
    found, _ = made(moto_stack, Managed())
    with found.ledger.lease.held("rollback"):
        with intending(found.ledger, Intent.DELETE, [NEW]):
            assert is_intended(found.ledger, Intent.DELETE, NEW)
            assert not is_intended(found.ledger, Intent.CREATE, NEW)
            assert not is_intended(found.ledger, Intent.DELETE, str(RETIRED))
        assert not is_intended(found.ledger, Intent.DELETE, NEW)
