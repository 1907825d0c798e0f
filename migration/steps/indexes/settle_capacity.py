"""`settle-capacity`: built indexes get their steady capacity, all in one `up`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.steps.step import Up
from schema.model import Index, Table
from schema.references import IndexRef
from stack.declaration import present
from stack.ledger.codec import now
from stack.ledger.ledger import Facts
from stack.ledger.records import IndexProof, RaisedProof
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class SettleCapacity(Up):
    """Sets each index in `steady` to the capacity that the schema declares for it."""

    ACTION = "settle-capacity"

    steady: tuple[tuple[IndexRef, Index], ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(ref.table for ref, _ in self.steady))

    def apply(self, context: Context, world: World) -> Facts:
        steady = self._there(world)
        refs = [ref for ref, _ in steady]
        if any(world.proofs.get(RaisedProof, ref) for ref in refs):
            # Raised past Pulumi, which compares the program with its state: that has to know of it first.
            context.engine.refresh()
        context.engine.up(world.live, present(context.schema, world).settling(refs))
        for ref in refs:
            proof = world.proofs.get(IndexProof, ref) or IndexProof(subject=ref)
            context.ledger.prove(replace(proof, settled=now()))
            context.ledger.disprove(RaisedProof, ref)
        units = {ref: index.throughput for ref, index in steady if index.throughput}
        return {"capacity": {str(ref): f"{each.read}/{each.write}" for ref, each in units.items()}}

    def effect(self, world: World) -> World:
        for ref, index in self._there(world):
            proof = world.proofs.get(IndexProof, ref) or IndexProof(subject=ref)
            world = world.with_proof(replace(proof, settled=now())).without_proofs(ref, RaisedProof)
            if (found := world.live_index(ref)) is not None:
                settled = replace(found.index, throughput=index.throughput)
                world = world.with_index(ref, replace(found, index=settled))
        return self.managed(world)

    def told(self, facts: Facts) -> str:
        return ", ".join(f"{ref} {capacity}" for ref, capacity in facts["capacity"].items())

    def _there(self, world: World) -> list[tuple[IndexRef, Index]]:
        """Those that are live: in a narrowed plan one may be missing, because the step that creates it is left out."""
        return [(ref, index) for ref, index in self.steady if world.live_index(ref) is not None]


def unsettled(table: Table, world: World) -> Iterable[tuple[IndexRef, Index]]:
    """Indexes of an adopted provisioned table that are to get their steady capacity: those that a run of ours built."""
    live = world.live[table.name]
    for index in table.indexes if live.throughput else ():
        ref, found = table.ref(index), live.indexes.get(index.name)
        proof = world.proofs.get(IndexProof, ref)
        if found is None or proof is None or proof.started is None:
            continue
        raised = world.proofs.get(RaisedProof, ref) is not None
        if (raised or proof.settled is None) and found.index.throughput != index.throughput:
            yield ref, index
