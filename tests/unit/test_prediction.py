"""A step's prediction is held against the world as it was read after the step."""

from __future__ import annotations

import pytest

from migration.run.prediction import CHECK, check_prediction
from migration.steps.indexes.create_index import CreateIndex
from migration.steps.indexes.verify_index import VerifyIndex
from schema.errors import VerificationFailed
from sitelogix.tables import REPORTS, SITELOGIX
from stack.ledger.records import ReadReadyProof
from tests.worlds import TIME, after, with_index, with_proofs, without_index

INDEX = REPORTS.index("GSI3-StatusIndex")
STEP = CreateIndex(schema=SITELOGIX, table=REPORTS, index=INDEX, building=INDEX.throughput)
BEFORE = without_index(after(), "reports", INDEX.name)


def test_a_world_that_is_as_predicted_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHECK, "1")
    check_prediction(STEP, BEFORE, STEP.predicted(BEFORE))


def test_a_world_that_is_not_as_predicted_fails_the_run_and_names_each_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHECK, "1")
    ready = ReadReadyProof(subject=STEP.ref, since=TIME, clean_since=TIME)
    with pytest.raises(VerificationFailed) as failed:
        check_prediction(STEP, BEFORE, with_proofs(STEP.predicted(BEFORE), ready))
    assert failed.value.what == f"The prediction of create-index {STEP.ref} is wrong."
    assert failed.value.why == f"proof read-ready#{STEP.ref}: predicted None, found True"


def test_outside_of_tests_somebody_else_may_change_the_stack_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECK, raising=False)
    check_prediction(STEP, BEFORE, BEFORE)


def test_verifying_an_index_that_is_being_built_predicts_that_it_is_active() -> None:
    building = with_index(after(), "reports", INDEX, status="CREATING")
    predicted = VerifyIndex(table=REPORTS, index=INDEX).predicted(building)
    assert predicted.live == after().live
