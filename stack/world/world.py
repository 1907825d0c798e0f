"""The sources of truth about a stack, side by side: what a plan is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schema.references import IndexRef, Subject
from stack.ledger.proofs import Proofs
from stack.ledger.records import Proof
from stack.world.live import Live, LiveIndex, LiveTable
from stack.world.managed import Managed
from stack.world.readings import Readings


@dataclass(frozen=True)
class World:
    """AWS's tables, Pulumi's state, the ledger's proofs and what CloudWatch says, read at one time. `unmonitored` are
    the alarms and their like that Pulumi's state lacks, or has and should not.

    The methods that begin with `with` give the world as it is once something has changed: steps predict with them.
    """

    live: Live = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)
    proofs: Proofs = field(default_factory=Proofs)
    readings: Readings = field(default_factory=Readings)
    unmonitored: frozenset[str] = frozenset()

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

    def with_managed(self, **changes: Any) -> World:
        """With these fields of Pulumi's state changed."""
        return replace(self, managed=replace(self.managed, **changes))


def table_ids(live: Live) -> Mapping[str, str]:
    """AWS's ids of the live tables, by their names in the schema."""
    return {name: table.id for name, table in live.items()}


def live_refs(live: Live, refs: Iterable[IndexRef]) -> frozenset[IndexRef]:
    """Those of the indexes that are live."""
    return frozenset(ref for ref in refs if ref.table in live and ref.index in live[ref.table].indexes)
