"""The gate for removing an old index: each condition alone keeps it shut, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migration.run.status import Gate
from schema.model import AccessPattern, Schema
from schema.references import IndexRef, Subject
from sitelogix.tables import PERSONNEL, SITELOGIX
from stack.file.settings import Approval, Settings
from stack.gates.claims import Claim
from stack.gates.gate import gate
from stack.ledger.records import (
    AttestationProof,
    CheckProof,
    LateWritersProof,
    OwnReadProof,
    ReadReadyProof,
    ShadowProof,
)
from stack.ledger.rollback import RolledBackProof
from stack.world.world import ALARM, MISSING, OK, AlarmState, Readings, World
from tests.worlds import (
    APPROVAL,
    AT,
    OWN_READ,
    RETIRED,
    TIME,
    after,
    approving,
    readings,
    settings,
    with_index,
    with_proofs,
    without_index,
    without_proof,
)

NEW = IndexRef("personnel", "GSI2-StatusIndex")
MIGRATE = "./invoke migrate"
APPROVE = "./invoke approve --table personnel --index GSI2-ProjectIndex --by NAME --application-updated --tests-passed"


def ready() -> World:
    """All is done, and the old index is still there."""
    return with_index(after(), "personnel", PERSONNEL.index("GSI2-ProjectIndex"))


def shut(world: World, told: Settings | None = None, schema: Schema = SITELOGIX) -> dict[str, str]:
    found = gate(schema, PERSONNEL, PERSONNEL.retired[0], told or approving(), world)
    return {claim.name: claim.evidence for claim in found if not claim.holds}


def next_command(world: World, told: Settings) -> str:
    return Gate(RETIRED, tuple(gate(SITELOGIX, PERSONNEL, PERSONNEL.retired[0], told, world))).next


def with_readings(**changes: Any) -> World:
    return replace(ready(), readings=replace(readings(), **changes))


def with_late_writers(unready: str) -> World:
    """A late writer has kept the new index from being read-ready."""
    proof = LateWritersProof(
        subject="personnel", since=TIME, clean_since=TIME, looked=TIME, ended=TIME, late=3, last_late=3, unready=unready
    )
    return with_proofs(without_proof(ready(), ReadReadyProof, NEW), proof)


def test_an_open_gate_shows_the_evidence_of_each_claim() -> None:
    assert gate(SITELOGIX, PERSONNEL, PERSONNEL.retired[0], approving(), ready()) == [
        Claim("no access pattern on it", True, "none of 17 access patterns reads it", MIGRATE),
        Claim(
            "replacement read-ready",
            True,
            f"{NEW} is read-ready since 2026-01-01T00:00:00Z: no late writer since 2026-01-01T00:00:00Z, 2 looks",
        ),
        Claim("shadow reads equal", True, "20 of 20 answers equal, at 2026-01-01T00:00:00Z", MIGRATE),
        Claim("application updated", True, "the team, 2025-11-04T00:00:00Z", APPROVE),
        Claim("integration tests passed", True, "the team, 2025-11-04T00:00:00Z", APPROVE),
        Claim("alarms quiet", True, "2 alarms, all OK", MIGRATE),
        Claim("last hour clean", True, "no throttled request and no system error", MIGRATE),
        Claim(
            "read metric alive",
            True,
            "our own read of 2026-01-01T00:07:00Z shows in ConsumedReadCapacityUnits",
            MIGRATE,
        ),
        Claim("nobody reads it", True, "no read units but our own in 24 h", MIGRATE),
    ]


def test_reads_by_others_keep_it_shut() -> None:
    world = with_readings(reads={RETIRED: {OWN_READ: 0.5, AT - timedelta(minutes=90): 2.0}})
    assert shut(world) == {"nobody reads it": "2.0 read units by others, last at 2025-12-31T22:40:00Z"}


def test_reads_by_others_in_the_minute_of_our_own_are_seen() -> None:
    world = with_readings(reads={RETIRED: {OWN_READ: 1.5}})
    assert shut(world) == {"nobody reads it": "1.0 read units by others, last at 2026-01-01T00:07:00Z"}


def test_reads_before_the_quiet_window_do_not_count() -> None:
    told = approving().model_copy(update={"quiet_minutes": 60.0})
    assert shut(with_readings(reads={RETIRED: {OWN_READ: 0.5, AT - timedelta(minutes=61): 2.0}}), told) == {}


def test_an_own_read_that_cloudwatch_counts_to_the_next_minute_is_still_our_own() -> None:
    assert shut(with_readings(reads={RETIRED: {OWN_READ + timedelta(minutes=1): 0.5}})) == {}


def test_a_dead_metric_keeps_it_shut() -> None:
    assert shut(with_readings(reads={RETIRED: {}})) == {
        "read metric alive": "our own read of 2026-01-01T00:07:00Z does not show, so a zero proves nothing"
    }


def test_without_a_read_of_our_own_a_zero_says_nothing() -> None:
    world = without_proof(with_readings(reads={RETIRED: {}}), OwnReadProof, RETIRED)
    assert shut(world) == {"read metric alive": "we have not read it yet, so a zero proves nothing"}


@pytest.mark.parametrize("state", [ALARM, MISSING])
@pytest.mark.parametrize("subject", ["personnel", NEW, None])
def test_an_alarm_of_the_table_or_the_account_keeps_it_shut(state: str, subject: Subject | None) -> None:
    alarms = (AlarmState("loud", subject, state), AlarmState("fine", "personnel", OK))
    assert shut(with_readings(alarms=alarms)) == {"alarms quiet": f"loud is {state}"}


def test_an_alarm_that_has_nothing_to_tell_yet_is_no_firing_one() -> None:
    alarms = (AlarmState("new", "personnel", "INSUFFICIENT_DATA"), AlarmState("fine", "personnel", OK))
    world = with_readings(alarms=alarms)
    found = gate(SITELOGIX, PERSONNEL, PERSONNEL.retired[0], approving(), world)
    assert shut(world) == {}
    assert {one.name: one.evidence for one in found}["alarms quiet"] == "2 alarms: 1 OK, 1 without data yet"


def test_an_alarm_of_another_table_does_not() -> None:
    alarms = (AlarmState("loud", IndexRef("reports", "GSI3-StatusIndex"), ALARM), AlarmState("fine", "personnel", OK))
    assert shut(with_readings(alarms=alarms)) == {}


def test_no_alarm_at_all_keeps_it_shut() -> None:
    assert shut(with_readings(alarms=())) == {"alarms quiet": "there are no alarms"}


def test_a_throttled_request_or_system_error_of_the_last_hour_keeps_it_shut() -> None:
    world = with_readings(disturbances={"personnel": {"throttled writes": 3.0, "system errors": 1.0}})
    assert shut(world) == {"last hour clean": "3 throttled writes; 1 system errors"}


def test_a_stack_without_cloudwatch_cannot_show_that_nobody_reads_it() -> None:
    assert set(shut(replace(ready(), readings=Readings(AT)))) == {"alarms quiet", "read metric alive"}


def test_a_missing_approval_keeps_it_shut() -> None:
    assert shut(ready(), settings()) == {"approved": f"the stack file has no approval for {RETIRED}"}


@pytest.mark.parametrize("missing", ["applicationUpdated", "testsPassed"])
def test_a_half_given_approval_is_to_be_approved_and_nothing_to_migrate(missing: str) -> None:
    half = Approval.model_validate({**APPROVAL.model_dump(by_alias=True), missing: False})
    assert next_command(ready(), settings(approvals={RETIRED: half})) == APPROVE


def test_the_next_command_is_that_of_the_first_claim_that_does_not_hold() -> None:
    assert next_command(with_late_writers("3 items of a late writer"), settings()) == "./invoke late-writers"
    assert next_command(ready(), settings()) == APPROVE
    assert next_command(without_proof(ready(), ShadowProof, NEW), settings()) == "./invoke migrate"
    assert next_command(ready(), approving()) == "./invoke migrate"


def test_an_approval_from_before_a_rollback_does_not_count_and_a_newer_one_does() -> None:
    world = with_proofs(ready(), RolledBackProof(subject=RETIRED, at=TIME, by="ana@host"))
    assert shut(world) == {
        "approved": "it was built again at 2026-01-01T00:00:00Z by ana@host; "
        "the approval (the team, 2025-11-04T00:00:00Z) is older"
    }
    newer = Approval.model_validate({**APPROVAL.model_dump(by_alias=True), "at": "2026-01-01T00:00:01Z"})
    assert shut(world, settings(approvals={RETIRED: newer})) == {}


def test_a_replacement_that_is_built_and_not_read_ready_keeps_it_shut() -> None:
    unready = "3 items of a late writer at 2026-01-01T00:00:00Z, 3 in all"
    assert shut(with_late_writers(unready)) == {"replacement read-ready": f"{NEW} is built; {unready}"}


def test_a_missing_replacement_keeps_it_shut() -> None:
    assert shut(without_index(ready(), "personnel", "GSI2-StatusIndex")) == {
        "replacement read-ready": f"{NEW} is missing"
    }


@pytest.mark.parametrize(
    ("proof", "evidence"),
    [
        (None, f"{NEW} was not compared with its table yet"),
        (ShadowProof(subject=NEW, at=TIME, equal=False, summary="1 differs"), "1 differs, at 2026-01-01T00:00:00Z"),
        (
            ShadowProof(subject=NEW, at=datetime(2025, 12, 24, tzinfo=UTC), equal=True, summary="all equal"),
            "compared at 2025-12-24T00:00:00Z, more than 7 days ago",
        ),
    ],
    ids=["missing", "unequal", "long ago"],
)
def test_shadow_reads_that_are_missing_unequal_or_long_ago_keep_it_shut(
    proof: ShadowProof | None, evidence: str
) -> None:
    world = with_proofs(ready(), proof) if proof else without_proof(ready(), ShadowProof, NEW)
    assert shut(world) == {"shadow reads equal": evidence}


def test_an_access_pattern_that_still_reads_it_keeps_it_shut() -> None:
    pattern = AccessPattern("people of a project", "personnel", "GSI2-ProjectIndex")
    schema = Schema(SITELOGIX.tables, (*SITELOGIX.access_patterns, pattern))
    assert shut(ready(), schema=schema) == {"no access pattern on it": "read by people of a project"}


RUN = "20260101T000000000-1f3a"
CHECKED = "c0ffee" + "0" * 34


def shown(**changes: Any) -> Settings:
    """Approved by a run of the checks in place of a typed yes."""
    given = APPROVAL.model_dump(by_alias=True, exclude_none=True)
    del given["testsPassed"]
    approval = Approval.model_validate({**given, "commit": CHECKED[:12], "checkRun": RUN, **changes})
    return settings(approvals={RETIRED: approval}, checks={"smoke": "true", "integration": "true"})


def check(name: str, passed: dict[str, str]) -> CheckProof:
    return CheckProof(
        subject=name,
        at=TIME,
        check_run=RUN,
        began=TIME,
        ended=TIME,
        exit_code=0,
        log="sha256:00",
        commit=CHECKED,
        by="ana@host",
        passed=passed,
    )


def test_a_check_run_in_which_every_check_passed_shows_that_the_tests_passed() -> None:
    passed = {RUN: CHECKED}
    world = with_proofs(ready(), check("smoke", passed), check("integration", passed))
    assert shut(world, shown()) == {}
    unknown = {"integration tests passed": f"no check run {RUN} is known in which all checks passed"}
    assert shut(with_proofs(ready(), check("smoke", passed)), shown()) == unknown
    assert shut(ready(), shown()) == unknown


@pytest.mark.parametrize("recorded", ["beef" * 10, f"{CHECKED}-dirty"])
def test_a_check_run_of_another_commit_shows_nothing(recorded: str) -> None:
    passed = {RUN: recorded}
    world = with_proofs(ready(), check("smoke", passed), check("integration", passed))
    assert shut(world, shown()) == {
        "integration tests passed": f"check run {RUN} was of {recorded}, and not of commit {CHECKED[:12]}"
    }


def test_a_typed_yes_beside_a_check_run_changes_nothing() -> None:
    assert set(shut(ready(), shown(testsPassed=True))) == {"integration tests passed"}


def test_a_check_run_of_the_stack_that_was_attested_counts_too() -> None:
    attestation = AttestationProof(
        subject="from/staging",
        at=TIME,
        stack="staging",
        account="123456789012",
        code="",
        schema="",
        lock="",
        commit=CHECKED,
        verified=TIME,
        verified_by="",
        clean_since=TIME,
        attested=TIME,
        by="ana@host",
        check_runs={RUN: CHECKED},
    )
    assert shut(with_proofs(ready(), attestation), shown()) == {}
