"""What a stack wants of the attestation of another one before it is changed: pure claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from stack.file.settings import PromotesFrom
from stack.gates.claims import Claim
from stack.ledger.codec import written
from stack.ledger.records import AttestationProof
from stack.promotion.attestable import bake_time
from stack.promotion.rules import ATTESTED, SAME_CODE, SAME_LOCK, SAME_SCHEMA, SAME_STACK

CLOCKS_DIFFER = timedelta(minutes=5)
"""By how much the clocks of two machines may differ: as AWS allows for a signed request."""


@dataclass(frozen=True)
class Digests:
    """What decides what a migration does, each by its digest: the `code` of tool and project, the `schema`, and the
    packages (`lock`)."""

    code: str
    schema: str
    lock: str


def promotable(
    attestation: AttestationProof | None, wanted: PromotesFrom, account: str, digests: Digests, at: datetime
) -> list[Claim]:
    """Whether the attestation is of that stack in that account, of this very code, and after a bake time that is long
    enough for this stack."""
    attest = f"./invoke attest --stack {wanted.stack}"
    if attestation is None:
        return [Claim(ATTESTED, False, f"stack {wanted.stack} has no attestation", attest)]
    return [
        _attested(attestation, at, attest),
        _of_the_stack(attestation, wanted, account, attest),
        *_of_the_code(attestation, digests, attest),
        _baked(attestation, wanted, at, attest),
    ]


def _attested(attestation: AttestationProof, at: datetime, attest: str) -> Claim:
    told = f"by {attestation.by} at {written(attestation.attested)}, commit {attestation.commit}"
    if attestation.attested > at + CLOCKS_DIFFER or attestation.clean_since > attestation.attested:
        return Claim(ATTESTED, False, f"{told}: it is of a time that is still to come", attest)
    return Claim(ATTESTED, True, told, attest)


def _of_the_stack(attestation: AttestationProof, wanted: PromotesFrom, account: str, attest: str) -> Claim:
    found = f"stack {attestation.stack} in account {attestation.account}"
    right = (attestation.stack, attestation.account) == (wanted.stack, account)
    expected = "" if right else f", and not stack {wanted.stack} in account {account}"
    return Claim(SAME_STACK, right, f"{found}{expected}", attest)


def _of_the_code(attestation: AttestationProof, digests: Digests, attest: str) -> Iterator[Claim]:
    for name, theirs, ours in (
        (SAME_CODE, attestation.code, digests.code),
        (SAME_SCHEMA, attestation.schema, digests.schema),
        (SAME_LOCK, attestation.lock, digests.lock),
    ):
        differs = f"{theirs} was attested, and this is {ours}"
        yield Claim(name, theirs == ours, ours if theirs == ours else differs, attest)


def _baked(attestation: AttestationProof, wanted: PromotesFrom, at: datetime, attest: str) -> Claim:
    """The attestation speaks for the time until it was made, and for none after that."""
    end = attestation.clean_since + timedelta(hours=wanted.clean_hours)
    claim = bake_time(attestation.clean_since, wanted.clean_hours, attestation.attested, "attested")
    if claim.holds or at < end:
        return Claim(claim.name, claim.holds, claim.evidence, attest)
    early = f"{claim.evidence}, and it was attested before, at {written(attestation.attested)}"
    return Claim(ATTESTED, False, early, attest)
