"""Intents of a rollback: leave, for one run alone, to make changes that the guards refuse everybody else.

An intent names the lease under which it was written. So it is worth nothing once that lease is given back, lost, or
taken over from a dead run: one that a killed rollback leaves behind allows nobody anything.

Record: PK `PROOF`  SK `rollback#<resource>`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from schema.errors import ToolError
from stack.ledger.ledger import Ledger

KIND = "rollback"


class Intent(StrEnum):
    """What a rollback may do to a resource."""

    CREATE = "create"
    DELETE = "delete"


@contextmanager
def intending(ledger: Ledger, intent: Intent, resources: Iterable[str]) -> Iterator[None]:
    """Gives the run that holds the stack leave for these resources (names as in `stack.managed`) while the block runs.
    Raises LeaseLost."""
    names = sorted(resources)
    try:
        for name in names:
            ledger.prove(KIND, name, {"intent": intent.value, "lease": ledger.lease.token})
        yield
    finally:
        # Whatever ended the block matters more, and what is left behind is worth nothing.
        with suppress(ToolError, ClientError, BotoCoreError):
            for name in names:
                ledger.disprove(KIND, name)


def clear(ledger: Ledger) -> None:
    """Takes back what killed rollbacks have left behind. Raises LeaseLost."""
    for name in ledger.proofs().facts:
        kind, _, subject = name.partition("#")
        if kind == KIND:
            ledger.disprove(kind, subject)


def is_intended(ledger: Ledger, intent: Intent, resource: str) -> bool:
    """Whether the run that holds the stack now has leave for that."""
    found, holder = ledger.get("PROOF", f"{KIND}#{resource}"), ledger.lease.holder()
    if found is None or holder is None or ledger.lease.is_over(holder):
        return False
    return (found["intent"], found["lease"]) == (intent.value, holder.token)
