"""Rollback of `create-index`: one `pulumi up` that removes a new index."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.context import Context
from migration.session.waiting import wait_for
from migration.steps.agreement import agreed, forget, forgotten
from migration.steps.indexes.one_index import OfIndex
from migration.steps.step import Up
from stack.declaration import present
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Facts
from stack.ledger.records import IntentProof
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class TakeBackIndex(OfIndex, Up):
    """Removes one new index. Items stay as they are."""

    ACTION = "remove-index"

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
        # Before it goes: from now on nothing is proven of it.
        forget(context, lambda subject: subject == self.ref)
        world = agreed(context)
        if self.index.name not in world.live[self.table.name].indexes:
            return {}
        with intending(context.ledger, Intent.DELETE, [str(self.ref)]):
            context.engine.up(
                world.live,
                present(context.schema, world).without_index(self.ref),
                deletions=frozenset({str(self.ref)}),
            )
        wait_for(context, self.table.name, lambda live: self.index.name not in live.indexes)
        return {}

    def effect(self, world: World) -> World:
        """See Step. An index that is gone already is only forgotten."""
        is_there, imports = world.live_index(self.ref) is not None, present(self.schema, world).has_imports
        world = forgotten(world.with_index(self.ref, None), lambda subject: subject == self.ref)
        if is_there:
            world = world.without_proofs(str(self.ref), IntentProof)
        return self.managed(world) if is_there or imports else self.refreshed(world)
