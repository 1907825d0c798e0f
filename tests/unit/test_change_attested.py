"""What another stack has attested, and what the lint found, in the change document and its comment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from migration.change import attested
from migration.change.attested import attested_of, shown, to_attest, waiting_for
from migration.change.document import Attested, Change, LintFinding
from migration.change.judging import judged as verdict_of
from migration.change.making import refused
from schema.errors import Interrupted, Refused, UsageError
from sitelogix.tables import SITELOGIX
from stack.file.config import StackConfig
from stack.file.settings import PromotesFrom
from stack.ledger.proofs import Proofs
from stack.ledger.records import STACK, AttestationProof
from stack.promotion.promotable import Digests, promotable
from stack.promotion.requiring import Required
from stack.promotion.rules import judged
from terminal.markdown.change import comment
from tests.worlds import settings

AT = datetime(2026, 1, 3, tzinfo=UTC)
WANTED = PromotesFrom(stack="staging")
CHANGE = Change(stack="prod", at="2026-01-03T00:00:00Z")


def config(wanted: PromotesFrom | None = None) -> StackConfig:
    return StackConfig("prod", Path(), settings(promotes_from=wanted), "us-east-1", "sitelogix")


def of(clean: timedelta | None, code: str = "c") -> Attested:
    """What is shown where staging was clean for that time when it was attested now; None: it was not attested."""
    found = None
    if clean is not None:
        found = AttestationProof(
            subject=STACK,
            stack="staging",
            account="1" * 12,
            code=code,
            schema="s",
            lock="l",
            commit="c0ffee",
            verified=AT - clean,
            verified_by="a run",
            clean_since=AT - clean,
            attested=AT,
            by="ana@host",
        )
    claims = promotable(found, WANTED, "1" * 12, Digests("c", "s", "l"), AT)
    return shown(Required(WANTED, judged(claims), found))


def verdict(found: Attested) -> tuple[str, tuple[str, ...]]:
    made = verdict_of(CHANGE.model_copy(update={"attestation": found}), attests=True)
    return made.verdict, made.reasons


def test_an_attestation_of_this_change_lets_it_go_on() -> None:
    found = of(timedelta(hours=25))
    assert (found.allows, found.commit, found.by, found.earliest_at) == (True, "c0ffee", "ana@host", None)
    assert (verdict(found)[0], list(to_attest(found))) == ("safe", [])


def test_a_missing_or_another_attestation_is_waited_for_and_not_refused() -> None:
    assert verdict(of(None)) == ("waiting", ("Stack staging has not attested this yet. Missing: attested.",))
    other = of(timedelta(hours=25), code="another")
    assert verdict(other) == ("waiting", ("Stack staging has not attested this yet. Missing: same code.",))
    assert list(to_attest(other)) == ["./invoke attest --stack staging"]
    assert [each.needs for each in other.conditions if not each.holds] == ["person"]


def test_a_bake_time_that_runs_has_its_end() -> None:
    found = of(timedelta(hours=20))
    assert (found.allows, found.earliest_at) == (False, "2026-01-03T04:00:00Z")
    assert verdict(found) == ("waiting", ("The bake time of stack staging is over at 2026-01-03T04:00:00Z.",))
    both = of(timedelta(hours=20), code="another")
    assert (both.earliest_at, len(list(waiting_for(both)))) == (None, 1)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Refused("The ledger of stack staging cannot be read.", "AccessDenied."), "The ledger of stack staging cannot"),
        (UsageError("There is no Pulumi.staging.yaml."), "There is no Pulumi.staging.yaml."),
        (EndpointConnectionError(endpoint_url="x"), "Could not connect"),
    ],
)
def test_what_cannot_be_read_is_not_known_and_fails_nothing(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(attested, "required", fails)
    found = attested_of(config(WANTED), SITELOGIX, Proofs(), AT)
    assert found is not None
    assert (found.allows, found.conditions) == (None, ())
    assert found.why.startswith(why)
    assert verdict(found) == ("waiting", ("Whether stack staging has attested this is not known.",))
    assert "Attestation of stack `staging`: not known" in comment(CHANGE.model_copy(update={"attestation": found}))


def test_an_interrupt_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise Interrupted("Stopped.")

    monkeypatch.setattr(attested, "required", stopped)
    with pytest.raises(Interrupted):
        attested_of(config(WANTED), SITELOGIX, Proofs(), AT)


def test_a_stack_that_promotes_from_none_has_no_attestation_in_its_document() -> None:
    assert attested_of(config(), SITELOGIX, Proofs(), AT) is None
    assert "Attestation" not in comment(CHANGE)


def test_findings_of_the_lint_stand_in_the_comment_also_of_what_is_refused(tmp_path: Path) -> None:
    one = LintFinding(
        code="L001", severity="error", title="t", subject="s", what="W.", why="Y.", next="N.", file="a.py", line=7
    )
    accepted = one.model_copy(update={"code": "L002", "severity": "note", "accepted": "we know"})
    made = comment(refused("prod", tmp_path, Refused("L001: W."), (one, accepted)))
    assert "<summary>Lint: 1 finding, 1 more accepted</summary>" in made
    assert "| `L001` error | `a.py:7` | W. | N. |" in made
    assert "| `L002` note | `a.py:7` | W. | accepted: we know |" in made
