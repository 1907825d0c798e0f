"""Worlds to plan from: the SiteLogix tables before the migration, after it, and in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schema.model import Index, Schema, Table
from sitelogix.tables import SITELOGIX
from stack.file.settings import Approval, Settings
from stack.ledger.ledger import Proofs, written
from stack.world.live import STREAM_VIEW_TYPE, Live, LiveIndex, LiveTable
from stack.world.managed import Managed, index_resource
from stack.world.readings import OK, AlarmState, Observed
from stack.world.world import World

VERIFIED = {"started": "2026-01-01T00:00:00Z", "verified": "2026-01-01T00:00:00Z", "settled": "2026-01-01T00:00:00Z"}
APPROVAL = Approval.model_validate(
    {"applicationUpdated": True, "testsPassed": True, "by": "the team", "at": "2025-11-04"}
)
RETIRED = "personnel/GSI2-ProjectIndex"
AT_ONCE: dict[str, Any] = {"lateWriters": {"minutes": 0, "leastWrites": 0}}
"""One look without a late writer is enough."""
TIME = "2026-01-01T00:00:00Z"
AT = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
"""When the worlds are looked at."""
OWN_READ = AT - timedelta(minutes=3)


def settings(**changes: Any) -> Settings:
    """The settings of a stack that approves nothing, unless `changes` (by field name) says so."""
    required = {"tablePrefix": "test-", "account": "123456789012", "backend": "file:///nowhere"}
    plain = Settings.model_validate({**required, **AT_ONCE})
    return plain.model_copy(update=changes)


def approving() -> Settings:
    """The settings of a stack that approves the removal of the retired index."""
    return settings(approvals={RETIRED: APPROVAL})


def live_table(table: Table, indexes: tuple[Index, ...], *, protected: bool) -> LiveTable:
    """The table as AWS shows it with these indexes, all ACTIVE."""
    return LiveTable(
        name=table.name,
        keys=table.keys,
        billing_mode=table.billing_mode,
        throughput=table.throughput,
        indexes={index.name: LiveIndex(replace(index, existing=False)) for index in indexes},
        stream=STREAM_VIEW_TYPE if protected else None,
        point_in_time_recovery=protected,
        deletion_protection=protected,
        ttl=table.ttl if protected else None,
        item_count=1000,
    )


def before(schema: Schema = SITELOGIX) -> World:
    """AWS before the migration, an empty ledger, and no Pulumi stack."""
    tables = [(table, table.before()) for table in schema]
    return World(
        live={table.name: live_table(table, old.indexes, protected=False) for table, old in tables if old is not None},
        observed=observed(seen={}),
    )


def observed(state: str = OK, seen: Mapping[datetime, float] | None = None, **changes: Any) -> Observed:
    """What CloudWatch says: every alarm in this state, and these read units of the retired index (None: our own)."""
    alarms = tuple(AlarmState(f"test-{subject}-throttled", subject, state) for subject in ("personnel", RETIRED))
    reads = {RETIRED: {OWN_READ: 0.5} if seen is None else seen}
    return replace(Observed(AT, True, alarms, reads), **changes)


def after(schema: Schema = SITELOGIX) -> World:
    """Everything done, adopted and proven."""
    return World(
        live={table.name: live_table(table, table.indexes, protected=True) for table in schema},
        managed=Managed(
            created=True,
            tables=frozenset(table.name for table in schema),
            indexes=frozenset(index_resource(table.name, index.name) for table in schema for index in table.indexes),
        ),
        proofs=Proofs(all_proofs(schema)),
        observed=observed(),
    )


def all_proofs(schema: Schema) -> dict[str, dict[str, Any]]:
    """Every proof that a finished migration leaves."""
    proofs: dict[str, dict[str, Any]] = {"verify#stack": {"schema": schema.digest}}
    proofs[f"own-read#{RETIRED}"] = {"units": {written(OWN_READ): "0.5"}}
    for table in schema:
        proofs[f"table#{table.name}"] = {}
        if table.existing:
            proofs[f"backup#{table.name}"] = {"schema": schema.digest}
        if table.backfilled:
            proofs[f"backfill#{table.name}"] = {"attributes": list(table.backfilled)}
        for index in table.indexes:
            resource = index_resource(table.name, index.name)
            proofs[f"index#{resource}"] = dict(VERIFIED)
            if table.existing and not index.existing:
                proofs[f"read-ready#{resource}"] = {"at": TIME, "looks": 2, "clean_since": TIME}
                proofs[f"shadow#{resource}"] = {"at": TIME, "equal": True, "summary": "20 of 20 answers equal"}
    return proofs


def with_table(world: World, name: str, **changes: Any) -> World:
    """The world with one live table changed."""
    live: Live = {**world.live, name: replace(world.live[name], **changes)}
    return replace(world, live=live)


def with_index(world: World, table: str, index: Index, status: str = "ACTIVE") -> World:
    """The world with one more live index, or with another state of one that is there."""
    indexes = {**world.live[table].indexes, index.name: LiveIndex(replace(index, existing=False), status=status)}
    return with_table(world, table, indexes=indexes)


def without_index(world: World, table: str, index: str) -> World:
    """The world without one live index."""
    return with_table(
        world, table, indexes={name: found for name, found in world.live[table].indexes.items() if name != index}
    )


def with_proofs(world: World, **changes: dict[str, Any] | None) -> World:
    """The world with proofs changed; None takes one back. Names as in the ledger, with `__` for `#`."""
    facts = dict(world.proofs.facts)
    for name, proof in changes.items():
        key = name.replace("__", "#")
        if proof is None:
            facts.pop(key, None)
        else:
            facts[key] = proof
    return replace(world, proofs=Proofs(facts))
