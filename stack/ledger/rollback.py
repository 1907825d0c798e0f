"""The records of rollbacks: more of the kinds that records.py lists."""

from __future__ import annotations

from dataclasses import dataclass

from stack.ledger.records import Proof


@dataclass(frozen=True, kw_only=True)
class RolledBackProof(Proof):
    """Of a retired index: it was built again, `by` whom. An approval given before that no longer counts."""

    KIND, OF_INDEX = "rolled-back", True

    by: str


@dataclass(frozen=True, kw_only=True)
class RestoredProof(Proof):
    """Of a table: a restoration from `source` was asked for; `compared` are the counts of items once it was compared
    with the live table (None: not yet, so a repeated rollback goes on with it)."""

    KIND = "restored"

    source: str
    compared: dict[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class IntentProof(Proof):
    """Of a Pulumi resource: the run that holds `lease` may make this change (`intent`), which the guards refuse
    everybody else. Valid only while that lease is held: stack/ledger/intents.py."""

    KIND = "rollback"

    intent: str
    lease: str
