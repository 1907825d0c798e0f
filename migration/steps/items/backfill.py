"""`backfill`: the items of one table get the attributes that its new indexes need; and its rollback, which takes back
exactly what backfills have added."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from backfills.run.key_spread import HOT_SHARE
from backfills.run.runner import Result
from backfills.run.undo import Undone
from migration.session.context import Context
from migration.steps.items.working import probed, shown, working
from migration.steps.step import OfTable, Step
from schema.errors import Refused, Waiting
from schema.model import Table
from schema.references import IndexRef
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, BackfillProof, LateWritersProof, VerifiedProof
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class BackfillTable(OfTable):
    """Fills the items of one table, and proves it.

    Late writers do not hold it up: the index may be built while they write, and is read-ready once they have stopped.
    """

    ACTION = "backfill"
    NEEDS_BACKUP = True

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises Waiting when it is paused, or when items or hot keys stand in the way of a new index that
        the stack has not accepted; Refused when the writer is not safe here."""
        name, attributes = self.table.name, self.table.backfilled
        with working(context, world, name, shown(context, world, name)) as assembly:
            probed(context, assembly)
            result = assembly.run(context.clock(), _violations_file(context, name))
        facts: Facts = {
            **result.counts.facts(),
            "late_a_second": f"{result.residual:.1f}",
            "spread": {spread.index: str(spread) for spread in result.spreads},
        }
        _refuse_open_ends(context, name, result)
        if result.counts.remaining:
            context.reporter.noted(
                f"Something still writes items of {name} without {' or '.join(attributes)}: the last of "
                f"{result.counts.passes} passes found {result.counts.remaining}, {result.residual:,.1f} a second. "
                "The index is built all the same, and is read-ready once that has stopped."
            )
        proof = BackfillProof(subject=name, table_id=world.live[name].id, attributes=attributes)
        context.ledger.prove(replace(proof, **facts))
        return {"attributes": list(attributes), **facts}

    def effect(self, world: World) -> World:
        return world.with_proof(BackfillProof(subject=self.table.name, attributes=self.table.backfilled))

    def told(self, facts: Facts) -> str:
        text = f"{facts['changed']:,} of {facts['scanned']:,} items changed in {facts['passes']} passes"
        reported = ", ".join(f"{count} × {reason}" for reason, count in facts["violations"].items())
        return f"{text}; left out: {reported}" if reported else text

    def undo(self) -> tuple[Step, ...]:
        return (UndoBackfill(table=self.table),)


def _violations_file(context: Context, name: str) -> Path:
    return context.config.checkout / ".local" / f"violations-{context.config.name}-{name}.jsonl"


def _refuse_open_ends(context: Context, name: str, result: Result) -> None:
    config, settings = context.config, context.config.settings
    again = f"then run: ./invoke migrate --stack {config.stack}"
    counts = result.counts
    accepted = settings.accepted_violations.get(name, 0)
    if counts.violating > accepted:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in counts.violations.items())
        raise Waiting(
            f"{counts.violating} items of {name} cannot enter the new index.",
            f"{reasons}. The stack accepts {accepted}. The other items are filled. "
            f"The keys are in {_violations_file(context, name).relative_to(config.checkout)}.",
            f"Mend them, or set {config.setting('acceptedViolations')}: {name} in {config.stack_file.name}; {again}",
        )
    for spread in result.spreads:
        ref = IndexRef(name, spread.index)
        if spread.hottest > max(HOT_SHARE, settings.accepted_hot_keys.get(ref, 0.0)):
            raise Waiting(
                f"Most writes to {ref} would meet one partition.",
                f"{spread}. A partition takes 1,000 writes a second; beyond that the table's own writes are throttled.",
                f"If the table never writes that fast, set {config.setting('acceptedHotKeys')}: {ref}: "
                f"{min(1.0, spread.hottest + 0.05):.2f} in {config.stack_file.name}; {again}",
            )


@dataclass(frozen=True, kw_only=True)
class UndoBackfill(OfTable):
    """Takes back what the journal notes, where it is still as we wrote it."""

    ACTION = "undo-backfill"

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
        return world.without_proofs(self.table.name, BackfillProof, LateWritersProof)

    def told(self, facts: Facts) -> str:
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
