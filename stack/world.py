"""The three sources of truth about a stack, side by side: what a plan is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field

from stack.ledger import Proofs
from stack.live import Live
from stack.managed import Managed


@dataclass(frozen=True)
class World:
    """AWS's tables, Pulumi's state and the ledger's proofs, read at one time."""

    live: Live = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)
    proofs: Proofs = field(default_factory=lambda: Proofs({}))
