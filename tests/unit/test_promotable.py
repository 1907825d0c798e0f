"""What a stack wants of an attestation before it is changed: each difference alone refuses it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stack.file.settings import PromotesFrom
from stack.gates.claims import Claim
from stack.ledger.records import AttestationProof
from stack.promotion.promotable import Digests, promotable
from stack.promotion.rules import judged

CLEAN = datetime(2026, 1, 1, tzinfo=UTC)
ATTESTED = CLEAN + timedelta(hours=25)
NOW = CLEAN + timedelta(hours=30)
WANTED = PromotesFrom.model_validate({"stack": "staging"})
ACCOUNT = "111111111111"
DIGESTS = Digests("sha256:c0de", "5f2c", "sha256:10c4")
ATTEST = "./invoke attest --stack staging"
GIVEN = AttestationProof(
    subject="stack",
    stack="staging",
    account=ACCOUNT,
    code="sha256:c0de",
    schema="5f2c",
    lock="sha256:10c4",
    commit="c0ffee",
    verified=CLEAN,
    verified_by="a run",
    clean_since=CLEAN,
    attested=ATTESTED,
    by="ana@host",
)


def shut(given: AttestationProof | None = GIVEN, at: datetime = NOW, **wanted: Any) -> dict[str, str]:
    found = promotable(given, WANTED.model_copy(update=wanted), ACCOUNT, DIGESTS, at)
    return {claim.name: claim.evidence for claim in found if not claim.holds}


def test_all_of_it_with_its_evidence() -> None:
    assert promotable(GIVEN, WANTED, ACCOUNT, DIGESTS, NOW) == [
        Claim("attested", True, "by ana@host at 2026-01-02T01:00:00Z, commit c0ffee", ATTEST),
        Claim("of the right stack", True, f"stack staging in account {ACCOUNT}", ATTEST),
        Claim("same code", True, "sha256:c0de", ATTEST),
        Claim("same schema", True, "5f2c", ATTEST),
        Claim("same packages", True, "sha256:10c4", ATTEST),
        Claim("bake time over", True, "clean since 2026-01-01T00:00:00Z (attested); 24 h", ATTEST),
    ]


def test_no_attestation() -> None:
    assert shut(None) == {"attested": "stack staging has no attestation"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "sha256:01"}, {"same code": "sha256:01 was attested, and this is sha256:c0de"}),
        ({"schema": "0000"}, {"same schema": "0000 was attested, and this is 5f2c"}),
        ({"lock": "sha256:01"}, {"same packages": "sha256:01 was attested, and this is sha256:10c4"}),
        (
            {"stack": "dev"},
            {"of the right stack": f"stack dev in account {ACCOUNT}, and not stack staging in account {ACCOUNT}"},
        ),
        (
            {"account": "222222222222"},
            {
                "of the right stack": "stack staging in account 222222222222, "
                f"and not stack staging in account {ACCOUNT}"
            },
        ),
    ],
)
def test_an_attestation_of_something_else(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert shut(replace(GIVEN, **changes)) == expected


def test_a_time_that_is_still_to_come() -> None:
    told = "by ana@host at 2026-01-02T01:00:00Z, commit c0ffee: it is of a time that is still to come"
    assert shut(at=ATTESTED - timedelta(minutes=6)) == {"attested": told}
    assert shut(at=ATTESTED - timedelta(minutes=5)) == {}, "clocks may differ a little"
    assert shut(replace(GIVEN, clean_since=ATTESTED + timedelta(days=1)))["attested"] == told


def test_a_longer_bake_time_than_was_attested_is_waited_for() -> None:
    found = judged(promotable(GIVEN, WANTED.model_copy(update={"clean_hours": 48}), ACCOUNT, DIGESTS, NOW))
    assert [claim.evidence for claim in found.failing] == [
        "clean since 2026-01-01T00:00:00Z (attested); 48 h are over at 2026-01-03T00:00:00Z"
    ]
    assert found.waits


def test_once_it_is_over_the_stack_has_to_be_attested_again() -> None:
    # Nobody has said that the stack was clean between the attestation and now.
    found = judged(
        promotable(GIVEN, WANTED.model_copy(update={"clean_hours": 48}), ACCOUNT, DIGESTS, CLEAN + timedelta(hours=48))
    )
    assert [(claim.name, claim.next) for claim in found.failing] == [("attested", ATTEST)]
    assert not found.waits
