"""`shadow-read`: the access patterns of a new index, answered from it and from its table, and compared."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.context import Context
from migration.session.reading import reader_of
from migration.shadow.reads import shadow_reads
from migration.steps.step import OfIndex
from stack.ledger.ledger import Facts
from stack.ledger.records import ShadowProof
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class ShadowRead(OfIndex):
    """Compares what one new index answers with what its table's own items say."""

    ACTION = "shadow-read"
    ONLY_LOOKS = True

    def apply(self, context: Context, world: World) -> Facts:
        live, patterns = world.live[self.table.name], context.schema.patterns_on(self.ref)
        result = shadow_reads(reader_of(context, live), self.table, self.index, patterns, context.reporter)
        facts: Facts = {**result.facts(), "equal": result.equal, "summary": result.summary}
        context.ledger.prove(ShadowProof(subject=self.ref, table_id=live.id, **facts))
        return facts

    def effect(self, world: World) -> World:
        """See Step: as if both answered the same."""
        at = world.readings.at
        return world.with_proof(ShadowProof(subject=self.ref, at=at, equal=True, summary="predicted"))

    def told(self, facts: Facts) -> str:
        return str(facts["summary"])
