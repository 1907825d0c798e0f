"""Rollback of `remove-index`: one `pulumi up` that builds a retired index again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.session.waiting import idle, wait_for
from migration.steps.agreement import agreed, forget, forgotten
from migration.steps.indexes.one_index import OfIndex
from migration.steps.step import Up
from stack.capacity import building_throughput
from stack.declaration import present
from stack.ledger.codec import now
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Facts
from stack.ledger.records import IndexProof, IntentProof, RolledBackProof
from stack.processes import who
from stack.world.live import LiveIndex
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class BuildAgain(OfIndex, Up):
    """Builds one retired index of all items that have its keys. Its removal then needs a newer approval."""

    ACTION = "create-index"

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
        world = agreed(context)
        live = world.live[self.table.name]
        # Before the `up`: an approval that was given until now is no permission to remove it once more.
        context.ledger.prove(RolledBackProof(subject=self.ref, by=who()))
        if self.index.name not in live.indexes:
            forget(context, lambda subject: subject == self.ref)
            context.ledger.prove(IndexProof(subject=self.ref, table_id=live.id, started=now()))
            with intending(context.ledger, Intent.CREATE, [str(self.ref)]):
                context.engine.up(world.live, present(context.schema, world).with_index(self.ref))
        wait_for(context, self.table.name, idle(context))
        return {}

    def effect(self, world: World) -> World:
        """See Step. An index that is there already, because an earlier rollback broke off, is only adopted."""
        rolled_back = RolledBackProof(subject=self.ref, by="")
        if world.live_index(self.ref) is not None:
            is_up = present(self.schema, world).has_imports
            world = world.with_proof(rolled_back)
            return self.managed(world) if is_up else self.refreshed(world)
        live, steady = world.live[self.table.name], self.index.throughput
        built = building_throughput(live, steady) if live.throughput and steady else None
        world = forgotten(world, lambda subject: subject == self.ref)
        world = world.with_index(self.ref, LiveIndex(replace(self.index, throughput=built, existing=False)))
        world = world.with_proof(rolled_back).with_proof(IndexProof(subject=self.ref, started=now()))
        return self.managed(world.without_proofs(str(self.ref), IntentProof))
