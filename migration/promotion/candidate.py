"""Since when a stack is known under the code of this checkout: its bake time begins no sooner.

A run that has nothing to do leaves an older verification as it is, so newer code would else be attested by the time
that older code has baked.

Record: PK `CANDIDATE`  SK `stack`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from migration.session.context import Context
from stack.ledger.codec import Record, attributes, decoded, now
from stack.ledger.history import BEGAN, PARTITION
from stack.ledger.records import STACK, VerifiedProof
from stack.promotion.code import is_same_code

CANDIDATE = "CANDIDATE"


@dataclass(frozen=True, kw_only=True)
class Candidate(Record):
    """An attestation of this `code` (its digest) was first asked for `at` that time. Written by `attest`, also where
    something else is missing."""

    code: str
    at: datetime


def known_since(context: Context, verified: VerifiedProof | None, run: str, code: str) -> datetime:
    """Since when the stack is known under this `code`: since the `run` that verified it, where that had the same; else
    since an attestation was first asked for, which may be now. Raises ToolError."""
    ran = _code_of(context, run)
    if verified is not None and verified.at is not None and ran and is_same_code(context.config.checkout, ran):
        return verified.at
    item = context.ledger.get(CANDIDATE, STACK)
    found = decoded(Candidate, item) if item is not None else None
    if found is None or found.code != code:
        found = Candidate(code=code, at=now())
        context.ledger.note_version()
        context.ledger.put(CANDIDATE, STACK, attributes(found))
    return found.at


def _code_of(context: Context, run: str) -> str:
    """The commit whose code the run had; empty where that was no commit's, or is not known."""
    began = context.ledger.get(PARTITION, f"{run}#{BEGAN}") if run else None
    code = str(began["facts"]["code"]) if began is not None else ""
    return code if re.fullmatch(r"[0-9a-f]{12,40}", code) else ""
