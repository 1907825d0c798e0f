"""Taking a backfill back over the AWS protocol: exactly what was added, and never what the application wrote since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backfills.run.assembly import Assembly, Options
from backfills.run.undo import Undone
from migration.rollback.backfill import backfill_rollback
from schema.errors import Refused
from sitelogix.tables import REPORTS
from stack.aws import dynamodb_once
from stack.file.settings import BackfillSettings
from stack.ledger.ledger import Ledger
from stack.ledger.records import STACK, BackfillProof, LateWritersProof, LeastVersionProof, OwnerProof, VerifiedProof
from tests.backfilling import CLOCK, Killed, assembly, report, target
from tests.conftest import EmulatedStack
from tests.moto.test_backfill_decisions import PACE, context, fill
from tests.rolling_back import RecordingEngine, build_index
from tests.worlds import TIME

# moto overwrites in spite of PartiQL conditions, so it gets the single writer.
SINGLE = Options(writer="single")


def undo(stack: EmulatedStack) -> Undone:
    return assembly(stack, "reports", SINGLE).undo(lambda undone: None)


def set_status(stack: EmulatedStack, number: int, value: str) -> None:
    """Sets an attribute as the application would."""
    stack.client.update_item(
        TableName=stack.config.physical_name("reports"),
        Key=report(number),
        UpdateExpression="SET #s = :v",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":v": {"S": value}},
    )


def test_exactly_what_was_added_is_taken_back_where_it_is_still_as_written(moto_stack: EmulatedStack) -> None:
    items = [report(number, createdAt=f"2025-{number:04}") for number in range(5)]
    items.append(report(5, createdAt="2025-0005", status="draft"))
    physical = moto_stack.create("reports", items)
    assembly(moto_stack, "reports", SINGLE).run(CLOCK)
    set_status(moto_stack, 1, "archived")
    moto_stack.client.delete_item(TableName=physical, Key=report(2))
    undone = undo(moto_stack)
    expected = {(item["PK"]["S"], "METADATA"): item for item in items}
    expected["REPORT#00001", "METADATA"] = report(1, createdAt="2025-0001", status="archived")
    del expected["REPORT#00002", "METADATA"]
    assert moto_stack.items("reports") == expected
    assert (undone.back, undone.kept) == (5, 1)
    assert assembly(moto_stack, "reports", SINGLE).journal.is_empty()


def test_a_mended_value_is_taken_back_to_what_was_there_before_it(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1, createdAt="2025-01-01", timestamp="2024-01-01")])
    assembly(moto_stack, "reports", SINGLE).check(mend=True)
    assert moto_stack.items("reports")["REPORT#00001", "METADATA"]["timestamp"] == {"S": "2025-01-01"}
    undo(moto_stack)
    assert list(moto_stack.items("reports").values()) == [report(1, createdAt="2025-01-01", timestamp="2024-01-01")]


def test_nothing_is_taken_from_a_table_that_was_restored_since(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1, createdAt="2025-01-01")])
    assembly(moto_stack, "reports", SINGLE).run(CLOCK)
    before = moto_stack.items("reports")
    ledger = Ledger(moto_stack.client, moto_stack.config)
    once = dynamodb_once(moto_stack.config)
    another = replace(target(moto_stack, "reports"), id="another-id")
    restored = Assembly(once, another, ledger, SINGLE)
    assert restored.undo(lambda undone: None) == Undone(back=0, kept=0)
    assert moto_stack.items("reports") == before


class DyingAtItsFirstWrite:
    """A client whose process is killed when it writes the first item."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def update_item(self, **parameters: Any) -> Any:
        raise Killed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_value_is_noted_before_it_is_written(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    with pytest.raises(Killed):
        assembly(moto_stack, "reports", SINGLE, DyingAtItsFirstWrite(moto_stack.client)).run(CLOCK)
    ((_, changes),) = assembly(moto_stack, "reports", SINGLE).journal.undoing()
    assert [(change.removes, change.expected) for change in changes] == [
        (("status", "timestamp"), {"status": {"S": "published"}, "timestamp": {"S": CLOCK}})
    ]


def test_a_backfill_that_was_taken_back_is_no_longer_proven(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(number) for number in range(3)])
    made = context(moto_stack)
    made.engine = RecordingEngine()
    fill(made)
    made.ledger.prove(VerifiedProof(subject=STACK, schema="digest"))
    made.ledger.prove(LateWritersProof(subject="reports", since=TIME, clean_since=TIME, looked=TIME, ended=TIME))
    assert backfill_rollback(made, "reports").do() == {"back": 3, "kept": 0}
    assert list(moto_stack.items("reports").values()) == [report(number) for number in range(3)]
    proofs = made.ledger.proofs().by_key.values()
    (left,) = [proof for proof in proofs if not isinstance(proof, LeastVersionProof)]
    assert left == OwnerProof(subject=STACK, at=left.at, stack="test")


def test_a_backfill_is_not_taken_back_under_an_index_that_is_built_on_it(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    made = context(moto_stack)
    made.engine = RecordingEngine()
    fill(made)
    build_index(moto_stack, "reports", REPORTS.index("GSI3-StatusIndex"))
    filled = moto_stack.items("reports")
    with pytest.raises(Refused, match="The backfill of reports cannot be rolled back") as refused:
        backfill_rollback(made, "reports")
    assert refused.value.why == "GSI3-StatusIndex is built on it: items would vanish from the index."
    assert moto_stack.items("reports") == filled


def test_without_a_journal_there_is_nothing_to_take_back(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    unnoted = BackfillSettings.model_validate({"writer": "single", "journal": False, **PACE})
    made = context(moto_stack, backfill=unnoted)
    made.engine = RecordingEngine()
    fill(made)
    with pytest.raises(Refused, match="There is nothing to roll back on reports"):
        backfill_rollback(made, "reports")
    assert made.ledger.proof(BackfillProof, "reports") is not None
