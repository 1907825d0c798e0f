"""Intents of a rollback: a permission, for one run alone, to make changes that the guards refuse everybody else.

An intent names the lease under which it was written. It is worth nothing once that lease is given back, lost, or taken
over from a dead run: one that a killed rollback leaves behind permits nobody anything. Its record is an IntentProof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from schema.errors import ToolError
from stack.ledger.ledger import Ledger
from stack.ledger.rollback import IntentProof


class Intent(StrEnum):
    """What a rollback may do to a resource."""

    CREATE = "create"
    DELETE = "delete"


@contextmanager
def intending(ledger: Ledger, intent: Intent, resources: Iterable[str]) -> Iterator[None]:
    """Permits the run that holds the stack this change of these Pulumi resources while the block runs. Raises
    LeaseLost."""
    names = sorted(resources)
    try:
        for name in names:
            ledger.prove(IntentProof(subject=name, intent=intent.value, lease=ledger.lease.token))
        yield
    finally:
        # Whatever ended the block matters more, and what is left behind is worth nothing.
        with suppress(ToolError, ClientError, BotoCoreError):
            for name in names:
                ledger.disprove(IntentProof, name)


def clear(ledger: Ledger) -> None:
    """Takes back what killed rollbacks have left behind. Raises LeaseLost."""
    for proof in ledger.proofs().by_key.values():
        if isinstance(proof, IntentProof):
            ledger.disprove(IntentProof, proof.subject)


def is_intended(ledger: Ledger, intent: Intent, resource: str) -> bool:
    """Whether the run that holds the stack now is permitted that."""
    found, holder = ledger.proof(IntentProof, resource), ledger.lease.holder()
    if found is None or holder is None or ledger.lease.is_over(holder):
        return False
    return (found.intent, found.lease) == (intent.value, holder.token)
