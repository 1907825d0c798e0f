"""Rollback of `backfill`: takes back exactly what backfills of one table have added."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from backfills.run.undo import Undone
from migration.session.context import Context
from migration.steps.items.working import probed, working
from migration.steps.step import Step
from schema.errors import Refused
from schema.model import Table
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, BackfillProof, LateWritersProof, VerifiedProof
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class UndoBackfill(Step):
    """Takes back what the journal notes, where it is still as we wrote it."""

    ACTION = "undo-backfill"

    table: Table = field(repr=False)

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table.name,)

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises Refused when an index needs the attributes, or the writer is not safe here."""
        # Asked again under the lease: another run may have built an index since this was proposed.
        refuse_needed(context, world, self.table)

        def show(undone: Undone) -> None:
            text = f"{undone.back:,} taken back, {undone.kept:,} kept"
            context.reporter.progress(undone.back + undone.kept, 0, text)

        with working(context, world, self.table.name) as assembly:
            probed(context, assembly)
            # Before the first value goes: from now on the backfill is not proven.
            context.ledger.disprove(VerifiedProof, STACK)
            context.ledger.disprove(BackfillProof, self.table.name)
            context.ledger.disprove(LateWritersProof, self.table.name)
            undone = assembly.undo(show)
            assembly.checkpoint.forget()
        return asdict(undone)

    def effect(self, world: World) -> World:
        """See Step."""
        return world.without_proofs(self.table.name, BackfillProof, LateWritersProof)

    def told(self, facts: Facts) -> str:
        """See Step."""
        return f"{facts['back']:,} changes taken back, {facts['kept']:,} left"


def refuse_needed(context: Context, world: World, table: Table) -> None:
    """Raises Refused while an index needs the attributes of the table's backfill."""
    live = world.live[table.name]
    needing = [index.name for index in table.indexes if index.name in live.indexes and table.needs_backfill(index)]
    if needing:
        raise Refused(
            f"The backfill of {table.name} cannot be rolled back.",
            f"{', '.join(needing)} is built on it: items would vanish from the index.",
            f"Remove the index first, then run: ./invoke rollback --backfill {table.name} "
            f"--stack {context.config.stack}",
        )
