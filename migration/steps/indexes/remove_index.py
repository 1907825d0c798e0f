"""`remove-index`: one `pulumi up` that removes a retired index, behind its open gate."""

from __future__ import annotations

from dataclasses import dataclass

from migration.checks.verify import no_item_missed
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import wait_for
from migration.steps.indexes.build_again import BuildAgain
from migration.steps.indexes.one_index import OfIndex
from migration.steps.step import Step, Up
from schema.errors import Refused, Waiting
from schema.model import RetiredIndex, Table
from schema.references import IndexRef
from stack.declaration import present
from stack.gates.claims import Claim, failing, listed
from stack.gates.gate import gate
from stack.ledger.ledger import Facts
from stack.ledger.records import ReadReadyProof
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
        """See Step."""
        return self.managed(world.with_index(self.ref, None))

    def undo(self) -> tuple[Step, ...]:
        """See Step."""
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
