"""`verify-index`: the index is ACTIVE, and an item of the table is found through it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from migration.checks.querying import NOTHING_TO_QUERY, query_index
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import wait_for
from migration.steps.indexes.building import Build
from migration.steps.indexes.read_index import note_own_reads
from migration.steps.step import OfIndex
from schema.clock import at_present
from schema.errors import VerificationFailed
from stack.ledger.codec import now
from stack.ledger.ledger import Facts
from stack.ledger.records import BackfillProof, IndexProof, OwnReadProof
from stack.world.live import ACTIVE, LiveTable
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class VerifyIndex(OfIndex):
    """Waits until the index is ACTIVE, then queries it."""

    ACTION = "verify-index"

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises VerificationFailed."""
        build = Build(context, self.ref)

        def is_active(live: LiveTable) -> bool:
            found = live.indexes.get(self.index.name)
            if found is None:
                raise VerificationFailed(
                    f"Index {self.ref} is not there.",
                    "The `pulumi up` that created it said that it succeeded.",
                    context.command("status"),
                )
            if found.status != ACTIVE:
                build.show(live)
            return found.status == ACTIVE

        wait_for(context, self.table.name, is_active)
        facts = self._query(context, world)
        filled = world.proofs.get(BackfillProof, self.table.name)
        if self.table.needs_backfill(self.index) and filled and filled.changed and facts["queried"] == NOTHING_TO_QUERY:
            raise VerificationFailed(
                f"No item of {self.table.name} belongs in {self.index.name}, although the backfill filled "
                f"{filled.changed}.",
                "So nothing shows that the index works.",
                context.command("verify"),
            )
        proof = self._verified(world, str(facts["queried"]))
        context.ledger.prove(replace(proof, table_id=world.live[self.table.name].id))
        return facts

    def effect(self, world: World) -> World:
        built = world.live_index(self.ref)
        waited = world.with_index(self.ref, built and replace(built, status=ACTIVE, backfilling=False))
        verified = waited.with_proof(self._verified(waited, ""))
        return verified.with_proof(OwnReadProof(subject=self.ref, units={})) if self._is_retired else verified

    def told(self, facts: Facts) -> str:
        return str(facts["queried"])

    @property
    def _is_retired(self) -> bool:
        return any(retired.name == self.index.name for retired in self.table.retired)

    def _query(self, context: Context, world: World) -> Facts:
        reads: list[tuple[datetime, float]] = []
        reader = reader_of(context, world.live[self.table.name])
        facts = query_index(reader, self.table, self.index, lambda units: reads.append((at_present(), units)))
        if self._is_retired:
            # The gate of a retired index must not take our own reads for somebody else's.
            note_own_reads(context, world, self.ref, reads)
        return facts

    def _verified(self, world: World, queried: str) -> IndexProof:
        proof = world.proofs.get(IndexProof, self.ref) or IndexProof(subject=self.ref)
        return replace(proof, queried=queried, verified=now())
