"""`begin-late-writers` and `late-writers`: one scan of a table for items that old code still writes without the new
attributes. It fills them, and keeps a record without a gap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from backfills.run.survey import Survey
from migration.session.context import Context
from migration.steps.items.working import probed, shown, working
from migration.steps.step import OfTable
from schema.clock import at_present
from schema.references import IndexRef
from stack.file.settings import Settings
from stack.gates.late_writers import (
    Look,
    is_verified,
    may_be_the_last,
    meets_late_writers,
    recorded,
    unready,
    wants_every_value,
)
from stack.ledger.ledger import Facts
from stack.ledger.proofs import Proofs
from stack.ledger.records import LateWritersProof, ReadReadyProof
from stack.monitoring.metrics import Metrics
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class LateWriters(OfTable):
    """One scan. Verified indexes that no late writer has kept out of use for the stack's window become read-ready."""

    ACTION = "late-writers"
    ONLY_LOOKS = True

    settings: Settings = field(repr=False)

    def apply(self, context: Context, world: World) -> Facts:
        name, settings = self.table.name, self.settings.late_writers
        before = world.proofs.get(LateWritersProof, name)
        began = at_present()
        late, stale = self._scan(context, world, every_value=wants_every_value(before, began, settings))
        look = Look(
            began=began,
            ended=at_present(),
            scanned=late.counts.scanned,
            late=self._late_items(late),
            stale=stale.counts.remaining if stale else None,
            units=late.units + (stale.units if stale else 0.0),
        )
        record = recorded(name, before, look, settings)
        metrics = Metrics(context.cloudwatch, context.config.physical_name(name))
        against = unready(record, settings, metrics.written_since(record.clean_since))
        record = replace(record, unready=against, table_id=world.live[name].id)
        context.ledger.prove(record)
        ready = [] if against else list(self._becoming_ready(world.proofs))
        for ref in ready:
            context.ledger.prove(_read_ready(ref, record))
        return {
            "scanned": look.scanned,
            "late": look.late,
            "stale": look.stale,
            "units": round(look.units, 1),
            "read_ready": [str(ref) for ref in ready],
            "unready": against,
        }

    def effect(self, world: World) -> World:
        """See Step: as if no late writer was found."""
        at, settings = world.readings.at, self.settings.late_writers
        before = world.proofs.get(LateWritersProof, self.table.name)
        record = recorded(self.table.name, before, Look(at, at, scanned=0, late=0), settings)
        last = may_be_the_last(before, at, settings)
        for ref in self._becoming_ready(world.proofs) if last else ():
            world = world.with_proof(_read_ready(ref, record))
        return world.with_proof(record)

    def told(self, facts: Facts) -> str:
        text = f"{facts['scanned']:,} items looked at, {facts['late']:,} of late writers"
        if facts["stale"]:
            text += f", {facts['stale']:,} values no longer what their sources give"
        ready = f"read-ready: {', '.join(facts['read_ready'])}" if facts["read_ready"] else facts["unready"]
        return f"{text}; {ready}" if ready else text

    def _scan(self, context: Context, world: World, *, every_value: bool) -> tuple[Survey, Survey | None]:
        """Fills what late writers left without its attributes. With `every_value` it also counts the filled values that
        are no longer what their sources give. Those stay as they are: they may be the application's own."""
        name = self.table.name
        with working(context, world, name, shown(context, world, name)) as assembly:
            probed(context, assembly)
            late = assembly.late(context.clock())
            return late, assembly.check(mend=False) if every_value else None

    def _late_items(self, survey: Survey) -> int:
        """Items that lacked something, but for those without a source that the stack accepts."""
        accepted = self.settings.accepted_violations.get(self.table.name, 0)
        return survey.counts.remaining + max(0, survey.counts.violating - accepted)

    def _becoming_ready(self, proofs: Proofs) -> Iterable[IndexRef]:
        """The verified new indexes of the table that are not read-ready yet."""
        for index in self.table.indexes:
            ref = self.table.ref(index)
            waits = meets_late_writers(self.table, index) and is_verified(self.table, index, proofs)
            if waits and proofs.get(ReadReadyProof, ref) is None:
                yield ref


@dataclass(frozen=True, kw_only=True)
class BeginLateWriters(LateWriters):
    """The first scan, before the index is created: what late writers leave out of it from now on counts."""

    ACTION = "begin-late-writers"
    ONLY_LOOKS = False


def _read_ready(ref: IndexRef, record: LateWritersProof) -> ReadReadyProof:
    return ReadReadyProof(
        subject=ref,
        table_id=record.table_id,
        at=record.ended,
        since=record.since,
        clean_since=record.clean_since,
        looks=record.looks,
    )
