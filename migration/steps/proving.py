"""The steps that only look: shadow reads of a new index, and a read of our own of an old one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

from dynamo.expressions import Expressions
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import pause_here
from migration.shadow.reads import shadow_reads
from migration.steps.step import Step
from stack.gates.gate import METRIC_ALIVE, gate, own_reads
from stack.ledger.ledger import Facts, written
from stack.world.world import World

METRIC_MINUTES = 10.0
"""How long a read may take until it shows in CloudWatch; one to three minutes are usual."""


def shadow_read(context: Context, world: World, step: Step) -> Facts:
    """Answers every access pattern of the new index from it and from its table, and notes whether they are equal."""
    (name,) = step.tables
    table = context.schema.table(name)
    patterns = [one for one in context.schema.access_patterns if (one.table, one.index) == (name, step.index)]
    reader = reader_of(context, world.live[name])
    result = shadow_reads(reader, table, table.index(step.index or ""), patterns, context.observer)
    facts = {**result.facts(), "equal": result.equal, "summary": result.summary}
    context.ledger.prove_of("shadow", step.subject, world.live[name], facts)
    return facts


def read_index(context: Context, world: World, step: Step) -> Facts:
    """Reads one item of the old index, and waits until CloudWatch shows it: only then does a zero mean that nobody
    reads it. Notes the units, so that they are never taken for another reader's."""
    (name,) = step.tables
    at = datetime.now(UTC)
    page = reader_of(context, world.live[name]).page(Expressions(), most=1, index=step.index)
    units = page.units or 0.0
    note_own_read(context, world, step, at, units)
    return {"units": Decimal(str(units)), "seen": _comes_up(context, step)}


def note_own_read(context: Context, world: World, step: Step, at: datetime, read_units: float) -> None:
    """Notes the units of a read of our own of an old index, beside those of before that still matter."""
    (name,) = step.tables
    units = own_reads(world.proofs, step.subject)
    minute = at.replace(second=0, microsecond=0)
    units[minute] = units.get(minute, 0.0) + read_units
    kept = max(context.config.settings.quiet_minutes * 60, 3600.0)
    recent = {
        written(minute): Decimal(str(count))
        for minute, count in units.items()
        if (at - minute).total_seconds() <= kept + 120
    }
    context.ledger.prove_of("own-read", step.subject, world.live[name], {"units": recent})


def _comes_up(context: Context, step: Step) -> bool:
    began = time.monotonic()
    deadline = METRIC_MINUTES * 60
    table = context.schema.table(step.tables[0])
    retired = next(one for one in table.retired if one.name == step.index)
    while True:
        conditions = gate(context.schema, table, retired, context.config.settings, context.read_world())
        if any(condition.name == METRIC_ALIVE and condition.holds for condition in conditions):
            return True
        passed = time.monotonic() - began
        if passed > deadline:
            return False
        context.observer.progress(int(passed), int(deadline), "waiting for our own read to show in CloudWatch")
        pause_here(context)
