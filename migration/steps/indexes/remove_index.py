"""`remove-index`: one `pulumi up` that removes a retired index, behind its open gate; and its rollback, one that builds
it again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migration.checks.verify import no_item_missed
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import idle, wait_for
from migration.steps.agreement import agreed, forget, forgotten
from migration.steps.indexes.building import building
from migration.steps.step import OfIndex, Step, Up
from schema.errors import Refused, Waiting
from schema.model import RetiredIndex, Table
from schema.references import IndexRef
from stack.declaration import present
from stack.gates.claims import Claim, failing, listed
from stack.gates.gate import gate
from stack.ledger.codec import now
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Facts
from stack.ledger.records import IndexProof, ReadReadyProof
from stack.ledger.rollback import IntentProof, RolledBackProof
from stack.processes import who
from stack.world.live import LiveIndex, building_throughput
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class RemoveIndex(OfIndex, Up):
    """Removes one retired index."""

    ACTION = "remove-index"
    NEEDS_BACKUP = True

    retired: RetiredIndex

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises Refused, Waiting."""
        claims = refuse_shut(context, world, self.table, self.retired)
        context.engine.up(
            world.live,
            present(context.schema, world).without_index(self.ref),
            deletions=frozenset({str(self.ref)}),
        )
        wait_for(context, self.table.name, lambda live: self.index.name not in live.indexes)
        return {claim.name: claim.evidence for claim in claims}

    def effect(self, world: World) -> World:
        return self.managed(world.with_index(self.ref, None))

    def undo(self) -> tuple[Step, ...]:
        return (BuildAgain(schema=self.schema, table=self.table, index=self.index),)


def refuse_shut(context: Context, world: World, table: Table, retired: RetiredIndex) -> list[Claim]:
    """The claims of an open gate. Raises Refused for one that is shut, Waiting when a late writer is back."""
    ref = retired.ref(table)
    claims = gate(context.schema, table, retired, context.config.settings, world)
    shut = failing(claims)
    if shut:
        raise Refused(f"The gate for removing {ref} is shut.", listed(shut), context.command("gate"))
    accepted = context.config.settings.accepted_violations.get(table.name, 0)
    missed = no_item_missed(reader_of(context, world.live[table.name]), table, accepted)
    if not missed.holds:
        # From now on it is looked for again.
        context.ledger.disprove(ReadReadyProof, IndexRef(table.name, retired.replaced_by))
        raise Waiting(
            f"{ref} must not be removed yet: a late writer is back.",
            f"Its replacement would miss items: {missed.evidence}.",
            context.command("late-writers"),
        )
    return claims


@dataclass(frozen=True, kw_only=True)
class BuildAgain(OfIndex, Up):
    """Builds one retired index of all items that have its keys. Its removal then needs a newer approval."""

    ACTION = "create-index"

    def apply(self, context: Context, world: World) -> Facts:
        world = agreed(context)
        live = world.live[self.table.name]
        # Before the `up`: an approval that was given until now is no permission to remove it once more.
        context.ledger.prove(RolledBackProof(subject=self.ref, by=who()))
        if self.index.name not in live.indexes:
            forget(context, lambda subject: subject == self.ref)
            context.ledger.prove(IndexProof(subject=self.ref, table_id=live.id, started=now()))
            with intending(context.ledger, Intent.CREATE, [str(self.ref)]), building(context, self.ref):
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
