"""Worlds to plan from: the SiteLogix tables before the migration, after it, and in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schema.model import Index, Schema, Table
from schema.references import IndexRef, Subject
from sitelogix.tables import SITELOGIX
from stack.file.settings import Approval, Settings
from stack.ledger.proofs import Proofs
from stack.ledger.records import (
    STACK,
    BackfillProof,
    BackupProof,
    IndexProof,
    OwnReadProof,
    Proof,
    ReadReadyProof,
    ShadowProof,
    TableProof,
    VerifiedProof,
)
from stack.world.live import STREAM_VIEW_TYPE, Live, LiveIndex, LiveTable
from stack.world.managed import Managed
from stack.world.world import OK, AlarmState, Readings, World

APPROVAL = Approval.model_validate(
    {"applicationUpdated": True, "testsPassed": True, "by": "the team", "at": "2025-11-04"}
)
RETIRED = IndexRef("personnel", "GSI2-ProjectIndex")
AT_ONCE: dict[str, Any] = {"lateWriters": {"minutes": 0, "leastWrites": 0}}
"""One look without a late writer is enough."""
TIME = datetime(2026, 1, 1, tzinfo=UTC)
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
        readings=readings(seen={}),
    )


def readings(state: str = OK, seen: Mapping[datetime, float] | None = None, **changes: Any) -> Readings:
    """What CloudWatch says: every alarm in this state, and these read units of the retired index (None: our own)."""
    alarms = tuple(AlarmState(f"test-{subject}-throttled", subject, state) for subject in ("personnel", RETIRED))
    reads = {RETIRED: {OWN_READ: 0.5} if seen is None else seen}
    return replace(Readings(AT, True, alarms, reads), **changes)


def after(schema: Schema = SITELOGIX) -> World:
    """Everything done, adopted and proven."""
    return World(
        live={table.name: live_table(table, table.indexes, protected=True) for table in schema},
        managed=Managed(
            created=True,
            tables=frozenset(table.name for table in schema),
            indexes=frozenset(ref for table in schema for ref in table.refs),
        ),
        proofs=Proofs.of(all_proofs(schema)),
        readings=readings(),
    )


def all_proofs(schema: Schema) -> list[Proof]:
    """Every proof that a finished migration leaves."""
    proofs: list[Proof] = [
        VerifiedProof(subject=STACK, schema=schema.digest),
        OwnReadProof(subject=RETIRED, units={OWN_READ: 0.5}),
    ]
    for table in schema:
        proofs.append(TableProof(subject=table.name))
        if table.existing:
            proofs.append(BackupProof(subject=table.name, schema=schema.digest))
        if table.backfilled:
            proofs.append(BackfillProof(subject=table.name, attributes=table.backfilled))
        for index in table.indexes:
            ref = table.ref(index)
            proofs.append(IndexProof(subject=ref, started=TIME, verified=TIME, settled=TIME))
            if table.existing and not index.existing:
                proofs.append(ReadReadyProof(subject=ref, at=TIME, since=TIME, clean_since=TIME, looks=2))
                proofs.append(ShadowProof(subject=ref, at=TIME, equal=True, summary="20 of 20 answers equal"))
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


def with_proofs(world: World, *proofs: Proof) -> World:
    """The world with these proofs, each in place of an older one of its subject."""
    for proof in proofs:
        world = world.with_proof(proof)
    return world


def without_proof(world: World, kind: type[Proof], subject: Subject) -> World:
    """The world without one proof."""
    return world.without_proofs(subject, kind)
