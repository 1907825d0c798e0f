"""`create-index`: one `pulumi up` that adds one new index to a live table; and its rollback, one that removes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.session.context import Context
from migration.session.waiting import wait_for
from migration.steps.agreement import agreed, forget, forgotten
from migration.steps.indexes.building import building
from migration.steps.step import OfIndex, Step, Up
from schema.parts import Throughput
from stack.declaration import present
from stack.ledger.codec import now
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Facts
from stack.ledger.records import IndexProof, ReadReadyProof, ShadowProof
from stack.ledger.rollback import IntentProof
from stack.world.live import LiveIndex
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class CreateIndex(OfIndex, Up):
    """Creates one index. `building` is the capacity that it builds with (None: on demand)."""

    ACTION = "create-index"
    NEEDS_BACKUP = True

    building: Throughput | None

    def apply(self, context: Context, world: World) -> Facts:
        # Before the `up`: killed in the middle of it, the index is still known to be ours, and gets settled.
        context.ledger.prove(replace(self._proof(), table_id=world.live[self.table.name].id))
        for kind in (ReadReadyProof, ShadowProof):
            # Whatever was shown of an index of that name, this is another one.
            context.ledger.disprove(kind, self.ref)
        with building(context, self.ref):
            context.engine.up(world.live, present(context.schema, world).with_index(self.ref))
        return {}

    def effect(self, world: World) -> World:
        built = LiveIndex(replace(self.index, throughput=self.building, existing=False))
        created = world.with_index(self.ref, built).without_proofs(self.ref, ReadReadyProof, ShadowProof)
        return self.managed(created.with_proof(self._proof()))

    def undo(self) -> tuple[Step, ...]:
        return (TakeBackIndex(schema=self.schema, table=self.table, index=self.index),)

    def _proof(self) -> IndexProof:
        """That it was begun; and that it is settled, where it builds with its steady capacity."""
        steady = self.building is None or self.building == self.index.throughput
        return IndexProof(subject=self.ref, started=now(), settled=now() if steady else None)


@dataclass(frozen=True, kw_only=True)
class TakeBackIndex(OfIndex, Up):
    """Removes one new index. Items stay as they are."""

    ACTION = "remove-index"

    def apply(self, context: Context, world: World) -> Facts:
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
