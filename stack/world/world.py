"""The sources of truth about a stack, side by side: what a plan is computed from. What CloudWatch says is read in
stack/monitoring/alarms.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from schema.clock import at_present
from schema.references import IndexRef, Subject
from stack.ledger.proofs import Proofs
from stack.ledger.records import Proof
from stack.world.live import Live, LiveIndex, LiveTable
from stack.world.managed import Managed
from stack.world.surroundings import Surroundings

OK, ALARM, MISSING = "OK", "ALARM", "missing"


@dataclass(frozen=True)
class AlarmState:
    """One of the stack's alarms: its `subject` (a table, an index, or None for the whole account) and its `state`: OK,
    ALARM, INSUFFICIENT_DATA, or MISSING for one that AWS lacks."""

    name: str
    subject: Subject | None
    state: str


@dataclass(frozen=True)
class Readings:
    """Readings of CloudWatch; none where the stack has no CloudWatch (`available` is False).

    `reads` are the read units that each retired index consumed, by the start of the minute, over the stack's quiet
    window and at least the last hour. `disturbances` counts, by table and by kind, what went wrong in the last hour.
    """

    at: datetime = field(default_factory=at_present)
    available: bool = False
    alarms: tuple[AlarmState, ...] = ()
    reads: Mapping[IndexRef, Mapping[datetime, float]] = field(default_factory=dict)
    disturbances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """AWS's tables, Pulumi's state, the ledger's proofs and what CloudWatch says, read at one time. `unmonitored` are
    the alarms and their like that Pulumi's state lacks, or has and should not. `surroundings` are Unknown where nobody
    has looked at them.

    The methods that begin with `with` give the world as it is once something has changed: steps predict with them.
    """

    live: Live = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)
    proofs: Proofs = field(default_factory=Proofs)
    readings: Readings = field(default_factory=Readings)
    unmonitored: frozenset[str] = frozenset()
    surroundings: Surroundings = field(default_factory=Surroundings)

    def live_index(self, ref: IndexRef) -> LiveIndex | None:
        """The live index, or None."""
        table = self.live.get(ref.table)
        return table.indexes.get(ref.index) if table else None

    def with_table(self, table: LiveTable) -> World:
        """With this live table, in place of what was there."""
        return replace(self, live={**self.live, table.name: table})

    def with_index(self, ref: IndexRef, index: LiveIndex | None) -> World:
        """With this live index of a live table; None: without it."""
        table = self.live[ref.table]
        others = {name: found for name, found in table.indexes.items() if name != ref.index}
        return self.with_table(replace(table, indexes=others if index is None else {**others, ref.index: index}))

    def with_proof(self, proof: Proof) -> World:
        """With this proof."""
        return replace(self, proofs=self.proofs.with_proof(proof))

    def without_proofs(self, subject: Subject, *kinds: type[Proof]) -> World:
        """Without these proofs of the subject."""
        proofs = self.proofs
        for kind in kinds:
            proofs = proofs.without(kind, subject)
        return replace(self, proofs=proofs)


def table_ids(live: Live) -> Mapping[str, str]:
    """AWS's ids of the live tables, by their names in the schema."""
    return {name: table.id for name, table in live.items()}


def live_refs(live: Live, refs: Iterable[IndexRef]) -> frozenset[IndexRef]:
    """Those of the indexes that are live."""
    return frozenset(ref for ref in refs if ref.table in live and ref.index in live[ref.table].indexes)
