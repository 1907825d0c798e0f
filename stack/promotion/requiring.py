"""What a stack that promotes from another one requires before it is changed: for tasks and for a plain `pulumi up`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from schema.errors import Refused, UsageError, Waiting
from schema.model import Schema
from stack.file.config import StackConfig
from stack.file.settings import PromotesFrom
from stack.gates.claims import Claim, listed
from stack.ledger.ledger import Ledger
from stack.ledger.proofs import Proofs
from stack.ledger.records import AttestationProof, OverrideProof
from stack.promotion.attestation import AttestationFile, read_file
from stack.promotion.code import code_digest, is_same_code, lock_digest
from stack.promotion.promotable import Digests, promotable
from stack.promotion.rules import ATTESTED, Judged, Overriding, judged
from stack.promotion.signing import is_signed
from stack.promotion.source import attestation_of, is_within_reach, other_stack


@dataclass(frozen=True)
class Required:
    """What was required of the stack that is promoted from, and the attestation that was found (None: none)."""

    wanted: PromotesFrom
    judged: Judged
    attestation: AttestationProof | None

    def refuse(self, config: StackConfig) -> None:
        """Raises Waiting while the bake time alone is missing, and Refused for anything else that does not hold."""
        failing = self.judged.failing
        if not failing:
            return
        stack, evidence = self.wanted.stack, listed(failing)
        if self.judged.waits:
            raise Waiting(
                f"Stack {config.stack} waits for the bake time of stack {stack}.",
                f"{evidence}.",
                f"Then run: {_next(self)}",
            )
        raise Refused(
            f"Stack {config.stack} promotes from stack {stack}, which has no matching attestation.",
            f"{evidence}. Nothing was changed.",
            f"Run: {_next(self)}",
        )


def required(
    config: StackConfig, schema: Schema, proofs: Proofs, at: datetime, file: Path | None = None
) -> Required | None:
    """What the stack requires, judged by the attestation in that `file`, in the other stack's ledger, or in its own
    ledger (`proofs`) where an earlier run has accepted one and the other is out of reach. None: it promotes from none.
    Raises Refused where that cannot be told, UsageError."""
    wanted = config.settings.promotes_from
    if wanted is None:
        if file is not None:
            raise UsageError(
                f"Stack {config.stack} promotes from no other stack.",
                "So an attestation says nothing about it.",
                f"Drop --attestation, or write {config.setting('promotesFrom')} into {config.stack_file.name}.",
            )
        return None
    other, overrides = other_stack(config, schema, wanted), list(overridings(config))
    if file is not None:
        found: AttestationProof | None = accepted(config, wanted, read_file(file, subject_of(wanted)), file)
    elif is_within_reach(config, other, wanted):
        try:
            found = attestation_of(other)
        except Refused as unread:
            # An override is for an emergency, in which the other stack may be out of reach.
            if not any(each.same_code and each.override.rule == "attestation" for each in overrides):
                raise
            claim = Claim(ATTESTED, False, f"{unread.what} {unread.why}".rstrip("."), unread.next)
            return Required(wanted, judged([claim], overrides), None)
    else:
        found = proofs.get(AttestationProof, subject_of(wanted))
    digests = Digests(code_digest(config.checkout), schema.digest, lock_digest())
    claims = promotable(found, wanted, other.settings.account, digests, at)
    return Required(wanted, judged(claims, overrides), found)


def subject_of(wanted: PromotesFrom) -> str:
    """Under which subject a stack's own ledger keeps the other one's attestation."""
    return f"from/{wanted.stack}"


def accepted(config: StackConfig, wanted: PromotesFrom, file: AttestationFile, path: Path) -> AttestationProof:
    """What a file says, where its digest is pinned or the other stack's key has signed it. Raises Refused."""
    if wanted.digest is not None and file.digest == wanted.digest:
        return file.attestation
    if wanted.kms_key is not None and file.signature is not None:
        if is_signed(config, wanted.kms_key, file.message, file.signature):
            return file.attestation
        why = f"its signature is not that of {wanted.kms_key}"
    elif file.signature is not None:
        why = f"it is signed, and {config.setting('promotesFrom')}.kmsKey names no key to ask"
    elif wanted.digest is not None:
        why = f"its digest is {file.digest}, and {wanted.digest} is pinned"
    else:
        why = "it is a bare file, which anybody could have written"
    raise Refused(
        f"{path.name} is not accepted as an attestation.",
        f"{why[:1].upper()}{why[1:]}. Nothing was changed.",
        f"Have it signed by the key in {config.setting('promotesFrom')}.kmsKey, or pin its digest there by a reviewed "
        f"line: digest: {file.digest}",
    )


def overridings(config: StackConfig) -> Iterator[Overriding]:
    """The overrides of the stack file, each with whether it is for this code."""
    for override in config.settings.overrides:
        yield Overriding(override, is_same_code(config.checkout, override.commit))


def record(ledger: Ledger, required: Required) -> None:
    """Keeps in the ledger by what the stack is about to be changed: the attestation, and the overrides that were used.
    Raises LeaseLost."""
    if required.attestation is not None:
        ledger.prove(replace(required.attestation, subject=subject_of(required.wanted)))
    record_overrides(ledger, required.judged)


def record_overrides(ledger: Ledger, found: Judged) -> None:
    """Keeps the overrides that were used. Raises LeaseLost."""
    for rule, (override, evidence) in found.used.items():
        ledger.prove(
            OverrideProof(
                subject=rule,
                reason=override.reason,
                by=override.by,
                given=override.at,
                commit=override.commit,
                evidence=evidence,
            )
        )


def _next(found: Required) -> str:
    return next((claim.next for claim in found.judged.failing if claim.next), "")
