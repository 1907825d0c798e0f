"""What is attested of a stack: each condition alone keeps it from being attested, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schema.references import IndexRef
from sitelogix.tables import SITELOGIX
from stack.file.settings import Override, Settings
from stack.gates.checked import passed_runs
from stack.gates.claims import Claim
from stack.ledger.records import STACK, CheckProof, LoadTestProof, ReadReadyProof, VerifiedProof
from stack.monitoring.alarm_record import AlarmRecord
from stack.promotion.attestable import Seen, attestable, clean_since
from stack.promotion.rules import Overriding, judged
from stack.world.world import ALARM, MISSING, OK, AlarmState, World
from tests.worlds import TIME, after, settings, with_proofs, without_proof

VERIFIED = TIME
NOW = VERIFIED + timedelta(hours=30)
COMMIT = "c0ffee" + "0" * 34
RUN = "20260101T010000000-1f3a"
NAMED = settings(checks={"smoke": "pytest tests/smoke"})
NEW = IndexRef("personnel", "GSI2-StatusIndex")
ALARMS = AlarmRecord(True, (AlarmState("throttling", "reports", OK), AlarmState("user-errors", None, OK)))


def check(**changes: Any) -> CheckProof:
    hour = timedelta(hours=1)
    made = CheckProof(
        subject="smoke",
        check_run=RUN,
        began=VERIFIED + hour,
        ended=VERIFIED + hour,
        exit_code=0,
        log="sha256:00",
        commit=COMMIT,
        by="ana@host",
        passed={RUN: COMMIT},
    )
    return replace(made, **changes)


def load_test(**changes: Any) -> LoadTestProof:
    began = VERIFIED + timedelta(hours=2)
    made = LoadTestProof(
        subject=STACK, began=began, ended=began, passed=True, requests=5000, errors=0, p99_ms=12.5, limit_ms=100
    )
    return replace(made, **changes)


def sound(**changes: Any) -> Seen:
    """A stack that is attested, 30 hours after it was verified."""
    verified = VerifiedProof(subject=STACK, schema=SITELOGIX.digest, checks=63, at=VERIFIED)
    world = with_proofs(after(), verified, check(), load_test())
    return replace(Seen(NOW, world, (), ALARMS, COMMIT), **changes)


def shut(seen: Seen, told: Settings = NAMED) -> dict[str, str]:
    return {claim.name: claim.evidence for claim in attestable(SITELOGIX, told, seen, 24) if not claim.holds}


def world_with(*proofs: Any) -> World:
    return with_proofs(sound().world, *proofs)


def test_all_of_it_with_its_evidence() -> None:
    assert attestable(SITELOGIX, NAMED, sound(), 24) == [
        Claim("nothing left to change", True, "the plan is empty", "./invoke migrate"),
        Claim("verified after the last change", True, "at 2026-01-01T00:00:00Z, 63 checks", "./invoke migrate"),
        Claim("new indexes read-ready", True, "8 new indexes", "./invoke migrate"),
        Claim("code committed", True, COMMIT, "git status"),
        Claim("checks passed", True, "smoke at 2026-01-01T01:00:00Z", "./invoke check"),
        Claim(
            "load test passed",
            True,
            "5,000 requests, 0 errors, p99 12.5 of 100 ms, at 2026-01-01T02:00:00Z",
            "./invoke loadtest",
        ),
        Claim("alarms quiet", True, "2 alarms", "./invoke status"),
        Claim("bake time over", True, "clean since 2026-01-01T00:00:00Z (verified); 24 h"),
    ]


def test_a_step_that_is_left() -> None:
    assert shut(sound(left=["create-index reports/New"])) == {"nothing left to change": "create-index reports/New"}


def test_a_verification_that_was_taken_back_or_is_of_another_schema() -> None:
    never = without_proof(sound().world, VerifiedProof, STACK)
    other = world_with(VerifiedProof(subject=STACK, schema="another", at=VERIFIED))
    for world in (never, other):
        found = shut(sound(world=world))
        assert found["verified after the last change"] == "not verified with this schema"
        # What counts from then on does not hold either.
        assert found["bake time over"] == "it begins with the verification"
        assert found["checks passed"] == "smoke ran at 2026-01-01T01:00:00Z, before the last change was verified"


def test_a_new_index_that_is_not_read_ready() -> None:
    world = without_proof(sound().world, ReadReadyProof, NEW)
    assert shut(sound(world=world)) == {
        "new indexes read-ready": f"{NEW} is built; nobody has looked for late writers yet"
    }


def test_code_that_is_not_committed() -> None:
    assert shut(sound(commit=None)) == {"code committed": "files differ from the commit, or this is no git checkout"}


@pytest.mark.parametrize(
    ("proof", "evidence"),
    [
        (check(exit_code=2), "smoke failed with exit code 2 at 2026-01-01T01:00:00Z"),
        (
            check(began=VERIFIED - timedelta(seconds=1)),
            "smoke ran at 2025-12-31T23:59:59Z, before the last change was verified",
        ),
        (check(commit="another"), f"smoke checked another, and this is {COMMIT}"),
        (check(commit=f"{COMMIT}-dirty"), f"smoke checked {COMMIT}-dirty, and this is {COMMIT}"),
    ],
    ids=["failed", "too early", "another commit", "not committed"],
)
def test_a_check(proof: CheckProof, evidence: str) -> None:
    assert shut(sound(world=world_with(proof))) == {"checks passed": evidence}


def test_a_check_that_was_never_run_and_no_check_at_all() -> None:
    world = without_proof(sound().world, CheckProof, "smoke")
    assert shut(sound(world=world)) == {"checks passed": "smoke was never run"}
    assert shut(sound(), settings()) == {"checks passed": "the stack file names no checks"}


@pytest.mark.parametrize(
    ("proof", "evidence"),
    [
        (
            load_test(passed=False, errors=7),
            "5,000 requests, 7 errors, p99 12.5 of 100 ms, at 2026-01-01T02:00:00Z",
        ),
        (
            load_test(began=VERIFIED - timedelta(hours=1)),
            "it ran at 2025-12-31T23:00:00Z, before the last change was verified",
        ),
    ],
    ids=["failed", "too early"],
)
def test_a_load_test(proof: LoadTestProof, evidence: str) -> None:
    assert shut(sound(world=world_with(proof))) == {"load test passed": evidence}


def test_no_load_test() -> None:
    world = without_proof(sound().world, LoadTestProof, STACK)
    assert shut(sound(world=world)) == {"load test passed": "there was none"}


# A new alarm without data says nothing yet; after a bake time there is no new one.
@pytest.mark.parametrize("state", [ALARM, MISSING, "INSUFFICIENT_DATA"])
def test_an_alarm_that_fires_is_missing_or_sees_nothing(state: str) -> None:
    record = replace(ALARMS, states=(AlarmState("throttling", "reports", state),))
    assert shut(sound(alarms=record)) == {"alarms quiet": f"throttling is {state}"}


def test_no_alarm_and_no_cloudwatch() -> None:
    assert shut(sound(alarms=AlarmRecord(True))) == {"alarms quiet": "there are no alarms"}
    assert shut(sound(alarms=AlarmRecord())) == {"alarms quiet": "the stack file names no CloudWatch and SNS endpoints"}


def test_the_bake_time_runs_from_the_verification_and_its_end_is_told() -> None:
    seen = sound(at=VERIFIED + timedelta(hours=24) - timedelta(seconds=1))
    found = judged(attestable(SITELOGIX, NAMED, seen, 24))
    assert [claim.evidence for claim in found.failing] == [
        "clean since 2026-01-01T00:00:00Z (verified); 24 h are over at 2026-01-02T00:00:00Z"
    ]
    assert found.waits
    assert shut(replace(seen, at=VERIFIED + timedelta(hours=24))) == {}


def test_an_alarm_that_fired_or_was_changed_begins_the_bake_time_anew() -> None:
    fired = replace(ALARMS, fired={"throttling": VERIFIED + timedelta(hours=10)})
    assert shut(sound(alarms=fired)) == {
        "bake time over": "clean since 2026-01-01T10:00:00Z (throttling was in ALARM); "
        "24 h are over at 2026-01-02T10:00:00Z"
    }
    changed = replace(ALARMS, changed={"throttling": VERIFIED + timedelta(hours=11)})
    assert clean_since(sound(alarms=changed)) == VERIFIED + timedelta(hours=11)
    assert "throttling was changed" in shut(sound(alarms=changed))["bake time over"]


def test_time_alone_does_not_help_where_something_else_is_missing() -> None:
    seen = sound(at=VERIFIED + timedelta(hours=1), world=without_proof(sound().world, LoadTestProof, STACK))
    assert not judged(attestable(SITELOGIX, NAMED, seen, 24)).waits


def test_only_runs_in_which_every_check_passed_for_one_commit_are_evidence() -> None:
    told = settings(checks={"smoke": "a", "integration": "b"})
    both = world_with(
        check(passed={"1": "a", "2": "a", "3": "a"}), check(subject="integration", passed={"2": "a", "3": "b"})
    )
    assert passed_runs(told, both.proofs) == {"2": "a"}
    assert passed_runs(told, sound().world.proofs) == {}
    assert passed_runs(settings(), sound().world.proofs) == {}


def override(rule: str, **changes: Any) -> Override:
    given = {"rule": rule, "reason": "no traffic", "by": "ana", "at": "2026-01-01", "commit": COMMIT, **changes}
    return Override.model_validate(given)


def test_an_override_counts_for_its_own_rule_and_code_and_is_shown_with_what_stands_against_it() -> None:
    claims = attestable(SITELOGIX, NAMED, sound(world=without_proof(sound().world, LoadTestProof, STACK)), 24)
    found = judged(claims, [Overriding(override("load-test"), same_code=True)])
    assert found.failing == ()
    assert next(claim.evidence for claim in found.claims if claim.name == "load test passed") == (
        "overridden (ana, 2026-01-01T00:00:00Z: no traffic), though there was none"
    )
    assert found.used == {"load-test": (override("load-test"), "there was none")}
    (left,) = judged(claims, [Overriding(override("checks"), same_code=True)]).failing
    assert left.name == "load test passed"
    (left,) = judged(claims, [Overriding(override("load-test"), same_code=False)]).failing
    assert left.evidence == (
        "there was none; the override of load-test (ana, 2026-01-01T00:00:00Z) is for commit "
        f"{COMMIT}, whose code is another"
    )


def test_an_override_that_is_not_needed_is_not_used() -> None:
    found = judged(attestable(SITELOGIX, NAMED, sound(), 24), [Overriding(override("load-test"), same_code=True)])
    assert found.used == {}


@pytest.mark.parametrize("name", ["nothing left to change", "verified after the last change", "new indexes read-ready"])
def test_what_the_tool_itself_has_to_prove_is_never_overridden(name: str) -> None:
    every = [
        Overriding(override(rule), same_code=True)
        for rule in ("alarms", "attestation", "bake-time", "checks", "load-test")
    ]
    claim = Claim(name, False, "not proven")
    assert judged([claim], every).failing == (claim,)


def test_a_time_of_an_override_without_a_zone_is_utc() -> None:
    assert override("checks").at == datetime(2026, 1, 1, tzinfo=UTC)


def test_code_that_became_known_later_begins_the_bake_time_anew() -> None:
    assert shut(sound(known_since=VERIFIED + timedelta(hours=10))) == {
        "bake time over": "clean since 2026-01-01T10:00:00Z (this code is known here); "
        "24 h are over at 2026-01-02T10:00:00Z",
    }
