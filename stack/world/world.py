"""The sources of truth about a stack, side by side: what a plan is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field

from stack.ledger.ledger import Proofs
from stack.world.live import Live
from stack.world.managed import Managed
from stack.world.readings import Observed


@dataclass(frozen=True)
class World:
    """AWS's tables, Pulumi's state, the ledger's proofs and what CloudWatch says, read at one time. `unmonitored` are
    the alarms and their like that Pulumi's state lacks, or has and should not."""

    live: Live = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)
    proofs: Proofs = field(default_factory=lambda: Proofs({}))
    observed: Observed = field(default_factory=Observed)
    unmonitored: frozenset[str] = frozenset()
