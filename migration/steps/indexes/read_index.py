"""`read-index`: one read of our own of an old index, until CloudWatch shows it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dynamo.expressions import Expressions
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import pause_here
from migration.steps.step import OfIndex
from schema.clock import at_present
from schema.model import RetiredIndex
from schema.references import IndexRef
from stack.gates.gate import METRIC_ALIVE, gate, own_reads
from stack.ledger.ledger import Facts
from stack.ledger.records import OwnReadProof
from stack.world.world import World

METRIC_MINUTES = 10.0
"""How long a read may take until it shows in CloudWatch; one to three minutes are usual."""
KEPT_MINUTES = 60
"""For how long our own reads matter at least: the last hour has to be clean."""


@dataclass(frozen=True, kw_only=True)
class ReadIndex(OfIndex):
    """Reads one item of the old index. Only once CloudWatch shows that read does a zero mean that nobody reads it."""

    ACTION = "read-index"
    ONLY_LOOKS = True

    retired: RetiredIndex

    def apply(self, context: Context, world: World) -> Facts:
        at = at_present()
        page = reader_of(context, world.live[self.table.name]).page(Expressions(), most=1, index=self.index.name)
        units = page.units or 0.0
        note_own_reads(context, world, self.ref, [(at, units)])
        return {"units": units, "seen": self._is_seen(context)}

    def effect(self, world: World) -> World:
        minute, seen = world.readings.at.replace(second=0, microsecond=0), 0.5
        reads = {minute: world.readings.reads.get(self.ref, {}).get(minute, 0.0) + seen}
        readings = replace(
            world.readings,
            reads={**world.readings.reads, self.ref: {**world.readings.reads.get(self.ref, {}), **reads}},
        )
        units = {**own_reads(world.proofs, self.ref), minute: seen}
        return replace(world, readings=readings).with_proof(OwnReadProof(subject=self.ref, units=units))

    def told(self, facts: Facts) -> str:
        return f"{facts['units']} read units, {'seen' if facts['seen'] else 'not seen'} in CloudWatch"

    def _is_seen(self, context: Context) -> bool:
        began, most = time.monotonic(), METRIC_MINUTES * 60
        while True:
            claims = gate(context.schema, self.table, self.retired, context.config.settings, context.read_world())
            if any(claim.name == METRIC_ALIVE and claim.holds for claim in claims):
                return True
            passed = time.monotonic() - began
            if passed > most:
                return False
            context.reporter.progress(int(passed), int(most), "waiting for our own read to show in CloudWatch")
            pause_here(context)


def note_own_reads(context: Context, world: World, ref: IndexRef, reads: Iterable[tuple[datetime, float]]) -> None:
    """Notes the units of our own reads of an old index, each in its own minute, beside earlier ones that still matter,
    so that they are never taken for another reader's."""
    units = own_reads(world.proofs, ref)
    for at, read_units in reads:
        minute = at.replace(second=0, microsecond=0)
        units[minute] = units.get(minute, 0.0) + read_units
    since = at_present() - timedelta(minutes=max(context.config.settings.quiet_minutes, KEPT_MINUTES) + 2)
    recent = {minute: count for minute, count in units.items() if minute >= since}
    context.ledger.prove(OwnReadProof(subject=ref, table_id=world.live[ref.table].id, units=recent))
