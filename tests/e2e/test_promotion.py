"""From staging to prod: two stacks of one checkout on the real engine, and a clock that lets the bake time pass."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from migration.promotion import attesting
from migration.promotion.attesting import Attested, attest
from migration.promotion.checking import run_checks
from migration.promotion.promoting import promotion
from migration.rollback.tables import tables_rollback
from migration.run.runner import Summary, migrate
from schema.errors import Refused, UsageError, Waiting
from stack.ledger.codec import now
from stack.ledger.records import STACK, AttestationProof, LoadTestProof, OverrideProof, VerifiedProof
from stack.promotion.code import clean_commit, code_digest
from tests.moved_clock import MovedClock
from tests.snapshots import Snapshot, forget
from tests.stacks import APPROVED, PEOPLE, SCHEMA, SmallStack

STAGING, PROD = "local", "local-prod"
CHECKS = "  sitelogix:checks: {smoke: \"sh -c 'echo fine'\"}\n"
FROM_STAGING = "  sitelogix:promotesFrom: {stack: local, cleanHours: 24}\n"
AUTHOR = ["-c", "user.name=a test", "-c", "user.email=test@example.com"]


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), *AUTHOR, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(directory: Path) -> str:
    """Commits all that is there, and gives the commit's full id."""
    git(directory, "add", "--all", ":!.local")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "a change")
    return git(directory, "rev-parse", "HEAD")


@dataclass
class Both:
    """Staging, which is migrated, and prod, which is not; and their clock."""

    staging: SmallStack
    prod: SmallStack
    clock: MovedClock

    def check(self) -> None:
        """The application's checks, and a load test that passed; the bake time of this code begins."""
        context = self.staging.context()
        assert [check.exit_code for check in run_checks(context, None, {}).checks] == [0]
        passed = LoadTestProof(
            subject=STACK, began=now(), ended=now(), passed=True, requests=9, errors=0, p99_ms=1.5, limit_ms=100
        )
        context.ledger.prove(passed)
        self.attest()

    def attest(self, out: Path | None = None) -> Attested:
        return attest(self.staging.context(), out)

    def migrate_prod(self, attestation: Path | None = None) -> Summary:
        return migrate(self.prod.context(), attestation=attestation)

    def shut(self) -> list[str]:
        return [claim.name for claim in self.attest().judged.failing]


@pytest.fixture
def both(
    migrated_once: Snapshot, tmp_path: Path, moto_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Both]:
    clock = MovedClock(tmp_path.parent / f"{tmp_path.name}.clock")
    clock.in_process(monkeypatch)
    staging = migrated_once.copy(tmp_path, moto_endpoint, SCHEMA, APPROVED + CHECKS)
    prod = SmallStack.make(tmp_path, moto_endpoint, SCHEMA, APPROVED + FROM_STAGING, PROD)
    prod.seed({"personnel": PEOPLE})
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    yield Both(staging, prod, clock)
    forget(staging)
    forget(prod)


def test_prod_follows_staging_once_that_is_attested_and_its_bake_time_is_over(both: Both) -> None:
    with pytest.raises(Refused) as refused:
        both.migrate_prod()
    assert (refused.value.what, refused.value.next) == (
        "Stack local-prod promotes from stack local, which has no matching attestation.",
        "Run: ./invoke attest --stack local",
    )
    assert both.shut() == ["checks passed", "load test passed", "bake time over"]
    both.check()
    waiting = both.attest()
    assert [claim.name for claim in waiting.judged.failing] == ["bake time over"]
    assert waiting.judged.waits
    both.clock.move(timedelta(hours=24))
    done = both.attest()
    assert done.judged.failing == ()
    assert done.attestation is not None
    assert (done.attestation.stack, done.attestation.code) == ("local", code_digest(both.staging.directory))
    assert both.staging.context().ledger.proof(AttestationProof, STACK) is not None
    context = both.prod.context()
    found = promotion(context, STAGING, None)
    assert {claim.name for claim in found.claims if claim.holds} == {
        "attested",
        "of the right stack",
        "same code",
        "same schema",
        "same packages",
        "bake time over",
    }
    assert (found.change.steps[0].action, found.change.steps[0].tables) == ("backup", ("personnel",))
    assert found.change.changes != ()
    with pytest.raises(UsageError, match="Stack local-prod does not promote from stack staging"):
        promotion(context, "staging", None)
    assert both.migrate_prod().blocked == ()
    kept = both.prod.context().ledger.proof(AttestationProof, "from/local")
    assert kept is not None
    assert (kept.commit, kept.verified_by != "") == (done.attestation.commit, True)
    # Nothing is left to change, so nobody's attestation is asked for.
    both.staging.context().ledger.disprove(AttestationProof, STACK)
    assert both.migrate_prod().run is None


def test_an_attestation_of_other_code_is_refused_and_an_override_is_recorded(both: Both) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    assert both.attest().attestation is not None
    (both.prod.directory / "rules.py").write_text("CHANGED = True\n", encoding="utf-8")
    changed = commit(both.prod.directory)
    with pytest.raises(Refused) as refused:
        both.migrate_prod()
    assert refused.value.why.startswith("same code: sha256:")
    entry = f"{{rule: attestation, reason: a test, by: ana, at: '2026-01-01', commit: '{changed}'}}"
    both.prod.configure(f"{APPROVED}{FROM_STAGING}  sitelogix:overrides: [{entry}]\n")
    commit(both.prod.directory)
    assert both.migrate_prod().run is not None
    used = both.prod.context().ledger.proof(OverrideProof, "attestation")
    assert used is not None
    assert (used.by, used.reason, used.commit) == ("ana", "a test", changed)


def test_an_alarm_that_has_fired_since_the_verification_begins_the_bake_time_anew(both: Both) -> None:
    both.check()
    client = both.staging.context().cloudwatch
    assert client is not None
    name = f"{both.staging.prefix}personnel/throttling"
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    # The next look at the alarm finds no reason for it, and it is quiet again: its history tells.
    client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    (claim,) = both.attest().judged.failing
    assert claim.name == "bake time over"
    assert f"({name} was in ALARM)" in claim.evidence


def test_code_that_staging_is_not_known_under_bakes_anew(both: Both) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    assert both.attest().attestation is not None
    (both.staging.directory / "rules.py").write_text("CHANGED = True\n", encoding="utf-8")
    commit(both.staging.directory)
    both.check()
    waiting = both.attest()
    assert [claim.name for claim in waiting.judged.failing] == ["bake time over"]
    assert "(this code is known here); 24 h are over at" in waiting.judged.failing[0].evidence
    both.clock.move(timedelta(hours=24))
    assert both.attest().attestation is not None


def test_prod_waits_where_its_own_bake_time_is_longer_than_what_was_attested(both: Both) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    assert both.attest().attestation is not None
    both.prod.configure(APPROVED + FROM_STAGING.replace("24", "48"))
    with pytest.raises(Waiting) as waits:
        both.migrate_prod()
    assert waits.value.exit_code == 3
    assert "48 h are over at 20" in waits.value.why


def test_a_plain_up_is_refused_without_it_and_a_plain_preview_says_so(both: Both) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    assert both.attest().attestation is not None
    both.migrate_prod()
    both.prod.drop_by_hand("work-logs", "GSI2-TeamIndex")
    both.staging.context().ledger.disprove(AttestationProof, STACK)
    assert both.prod.plain("refresh", "--yes").returncode == 0
    shown = both.prod.plain("preview")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "An `up` would be refused. Stack local-prod promotes from stack local" in shown.stdout + shown.stderr
    refused = both.prod.plain("up", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert "which has no matching attestation" in refused.stdout + refused.stderr
    assert both.prod.indexes("work-logs") == ["GSI1-ProjectDateIndex"]


def test_a_change_takes_the_verification_back_and_a_rollback_the_attestation_too(both: Both) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    assert both.attest().attestation is not None
    context = both.staging.context()
    tables_rollback(context, []).do()
    assert context.ledger.proof(AttestationProof, STACK) is None
    assert context.ledger.proof(VerifiedProof, STACK) is None
    assert both.shut()[:2] == ["nothing left to change", "verified after the last change"]


def test_a_stack_that_a_run_begins_to_change_meanwhile_is_not_attested(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    ledger = both.staging.context().ledger
    with ExitStack() as held:

        def seen_for_a_while(checkout: Path) -> str | None:
            held.enter_context(ledger.lease.held("migrate"))
            return clean_commit(checkout)

        monkeypatch.setattr(attesting, "clean_commit", seen_for_a_while)
        with pytest.raises(Refused, match="is at work"):
            both.attest()
    monkeypatch.setattr(attesting, "clean_commit", clean_commit)
    assert ledger.proof(AttestationProof, STACK) is None
    assert both.attest().attestation is not None


def test_a_file_is_accepted_only_where_its_digest_is_pinned(both: Both, tmp_path: Path) -> None:
    both.check()
    both.clock.move(timedelta(hours=24))
    file = tmp_path / "attestation.json"
    done = both.attest(file)
    assert (done.file, done.signed) == (str(file), False)
    assert json.loads(file.read_text(encoding="utf-8"))["format"] == 1
    with pytest.raises(Refused) as refused:
        both.migrate_prod(file)
    assert (refused.value.what, refused.value.why) == (
        "attestation.json is not accepted as an attestation.",
        "It is a bare file, which anybody could have written. Nothing was changed.",
    )
    both.prod.configure(f"{APPROVED}{FROM_STAGING.replace('24', f'24, digest: {chr(39)}{done.digest}{chr(39)}')}")
    both.staging.context().ledger.disprove(AttestationProof, STACK)
    assert both.migrate_prod(file).run is not None
