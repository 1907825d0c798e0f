"""`brown-out`: before an old index goes, reads of it are refused for a while, which can be taken back at once."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.brown_out import brown_out
from migration.session.context import Context
from migration.steps.indexes.remove_index import refuse_shut
from migration.steps.step import OfIndex
from schema.model import RetiredIndex
from stack.ledger.codec import now, written
from stack.ledger.ledger import Facts
from stack.ledger.records import BrownOutProof
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class BrownOut(OfIndex):
    """Refuses reads of one retired index for `minutes`, and puts the table's policy back exactly, whatever happens."""

    ACTION = "brown-out"

    retired: RetiredIndex
    minutes: float

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises Refused, Waiting."""
        refuse_shut(context, world, self.table, self.retired)
        live, began = world.live[self.table.name], now()
        brown_out(context, live.arn, self.ref, self.minutes)
        proof = BrownOutProof(subject=self.ref, table_id=live.id, began=began, ended=now(), minutes=self.minutes)
        context.ledger.prove(proof)
        return {"from": written(proof.began), "to": written(proof.ended), "minutes": str(proof.minutes)}

    def effect(self, world: World) -> World:
        return world.with_proof(BrownOutProof(subject=self.ref, began=now(), ended=now(), minutes=self.minutes))

    def told(self, facts: Facts) -> str:
        return f"reads were refused from {facts['from']} to {facts['to']}, and no alarm fired"
