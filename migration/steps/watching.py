"""The watch for late writers: one look at a table, and what it says of the table's new indexes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from migration.session.context import Context
from migration.steps.backfilling import late_items, mend_late
from schema.model import Table
from stack.gates.late_writers import Look, clean_since, needs_watch, recorded, unready, wants_every_value
from stack.ledger.ledger import Facts, now
from stack.monitoring.metrics import Metrics
from stack.world.managed import index_resource
from stack.world.world import World


def look(context: Context, world: World, name: str) -> Facts:
    """Looks at the whole table once, mends what late writers left, and notes it without a gap. Verified indexes that
    no late writer has kept out of use for the stack's window become read-ready. Raises ToolError."""
    settings = context.config.settings.late_writers
    table, live = context.schema.table(name), world.live[name]
    before = world.proofs.of("watch", name)
    began = datetime.now(UTC)
    late, stale = mend_late(context, world, name, every_value=wants_every_value(before, began, settings))
    found = Look(
        began=began,
        ended=datetime.now(UTC),
        scanned=late.counts.scanned,
        late=late_items(context, name, late),
        stale=stale.counts.remaining if stale else None,
        units=late.units + (stale.units if stale else 0.0),
    )
    record: dict[str, Any] = dict(recorded(before, found, settings))
    written = Metrics(context.cloudwatch, context.config.physical_name(name)).written_since(clean_since(record))
    against = unready(record, settings, written)
    record["unready"] = against or ""
    context.ledger.prove_of("watch", name, live, record)
    ready = [] if against else _indexes_to_be_read(context, world, table, record)
    return {
        "scanned": found.scanned,
        "late": found.late,
        "stale": found.stale,
        "units": Decimal(str(round(found.units, 1))),
        "read_ready": ready,
        "unready": against or "",
    }


def _indexes_to_be_read(context: Context, world: World, table: Table, record: Facts) -> list[str]:
    """Notes the verified indexes of the table as read-ready."""
    ready: list[str] = []
    for index in table.indexes:
        resource = index_resource(table.name, index.name)
        verified = "verified" in (world.proofs.of("index", resource) or {})
        if not needs_watch(table, index) or not verified or world.proofs.of("read-ready", resource) is not None:
            continue
        facts = {"at": now(), "since": record["since"], "looks": record["looks"], "clean_since": record["clean_since"]}
        context.ledger.prove_of("read-ready", resource, world.live[table.name], facts)
        ready.append(resource)
    return ready
