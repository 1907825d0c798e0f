"""The plan: what has to happen, in which order, as a pure function of the schema, the settings and the world.

A plan asks for the first step that the world needs, predicts the world after it, and asks again, until nothing is
left. The order of `_wanted` cannot lose data or break a reader: backup, adopt, backfill, create one index, verify it,
and only then, with its gate open, remove the index that it replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from migration.plan.conflicts import conflicts, keys_text, strangers
from migration.plan.findings import findings
from migration.plan.readiness import late_writers, not_read_ready, removals, shadow_reads, still_retired
from migration.plan.result import Plan
from migration.steps.indexes.brown_out import BrownOut
from migration.steps.indexes.create_index import CreateIndex
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.indexes.settle_capacity import SettleCapacity, unsettled
from migration.steps.indexes.verify_index import VerifyIndex
from migration.steps.items.backfill import BackfillTable
from migration.steps.items.late_writers import BeginLateWriters
from migration.steps.stack.monitor import Monitor
from migration.steps.stack.verify import Verify
from migration.steps.stack.wait import Wait
from migration.steps.step import Step
from migration.steps.tables.adopt import Adopt
from migration.steps.tables.backup import Backup
from migration.steps.tables.create_tables import CreateTables
from schema.model import Index, Schema, Table
from schema.parts import Throughput
from stack.file.settings import Settings
from stack.gates.gate import backfill_proven
from stack.gates.late_writers import is_begun, is_verified, meets_late_writers
from stack.ledger.records import STACK, BackupProof, LateWritersProof, TableProof, VerifiedProof
from stack.world.live import ACTIVE, LiveTable, building_throughput, wanted_stream, will_be_live
from stack.world.refusing import refuse_all
from stack.world.world import World

MOST_STEPS = 10_000
"""More steps than any schema needs: a prediction that does not come true would go on for ever."""


def plan(schema: Schema, settings: Settings, world: World, tried: Collection[str] = ()) -> Plan:
    """The steps from `world` to the schema; none when it is reached. Raises Refused where going on could lose data.

    `tried` are the names of looking steps that this run has done: what they did not show is waited for.
    """
    refuse_all(chain(strangers(world), *(conflicts(table, settings, world) for table in schema)))
    steps: list[Step] = []
    after, looked = world, set(tried)
    while (step := next(_wanted(schema, settings, after, looked), None)) is not None:
        assert len(steps) < MOST_STEPS, f"{step.name} is never done"
        steps.append(step)
        after = step.predicted(after)
        if step.ONLY_LOOKS:
            looked.add(step.name)
    ending = all(step.ONLY_LOOKS or isinstance(step, BrownOut | RemoveIndex | Verify) for step in steps)
    blocked = [
        *(not_read_ready(schema, world, {step.name for step in steps}) if ending else ()),
        *still_retired(schema, settings, world, after),
    ]
    steps = [*_backups(schema, world, steps), *steps]
    found = findings(schema, settings, world)
    return Plan(tuple(steps), tuple(blocked), tuple(_left_alone(schema, world)), found)


def _wanted(schema: Schema, settings: Settings, world: World, looked: Collection[str]) -> Iterator[Step]:
    """What the world needs, the most urgent first. Only the first one counts: after it the world is another."""
    return chain(
        _waits(schema, world),
        adoption(schema, settings, world),
        (step for table in schema if table.name in world.live for step in _table_steps(schema, table, settings, world)),
        _new_tables(schema, world),
        _settling(schema, world),
        _monitoring(schema, world),
        (step for step in late_writers(schema, settings, world) if step.name not in looked),
        (step for step in shadow_reads(schema, settings, world) if step.name not in looked),
        removals(schema, settings, world, looked),
        _verifying(schema, world),
    )


def _waits(schema: Schema, world: World) -> Iterable[Step]:
    for table in schema:
        live = world.live.get(table.name)
        if live is not None and not live.is_idle:
            states = [f"table {live.status}"] * (live.status != ACTIVE) + [
                f"{name} {index.status}" for name, index in live.indexes.items() if index.status != ACTIVE
            ]
            yield Wait(names=(table.name,), why=", ".join(states))


def _table_steps(schema: Schema, table: Table, settings: Settings, world: World) -> Iterable[Step]:
    """Backfill, then each missing index by itself: created, then verified. The scans for late writers begin before."""
    live = world.live[table.name]
    if table.backfilled and not backfill_proven(table, world.proofs):
        why = f"items get {' and '.join(table.backfilled)}; about {live.item_count:,} to scan"
        yield BackfillTable(table=table, why=why)
    for index in table.indexes:
        if not will_be_live(live, index.name):
            begun = world.proofs.get(LateWritersProof, table.name) is not None
            if not begun and settings.late_writers.minutes and meets_late_writers(table, index):
                why = "what late writers leave out of the index from now on counts"
                yield BeginLateWriters(table=table, settings=settings, why=why)
            building = _building(table, index, live, settings)
            why = f"on {keys_text(index.keys)}"
            yield CreateIndex(schema=schema, table=table, index=index, building=building, why=why)
        elif _needs_verification(table, index, world):
            yield VerifyIndex(table=table, index=index, why="wait until ACTIVE, then query it")


def _building(table: Table, index: Index, live: LiveTable, settings: Settings) -> Throughput | None:
    """What the index builds with; None on demand. An index of a new table gets its steady capacity at once."""
    if live.throughput is None or index.throughput is None:
        return None
    if not table.existing:
        return index.throughput
    return building_throughput(live, index.throughput, settings.building_write_units.get(table.ref(index)))


def _needs_verification(table: Table, index: Index, world: World) -> bool:
    """An index that was there before needs none, unless a run has built it again."""
    if is_verified(table, index, world.proofs):
        return False
    return not index.existing or is_begun(table, index, world.proofs)


def _new_tables(schema: Schema, world: World) -> Iterable[Step]:
    missing = tuple(table for table in schema if table.name not in world.live)
    if missing:
        indexes = sum(len(table.indexes) for table in missing)
        yield CreateTables(schema=schema, new=missing, why=f"new, with {indexes} indexes")


def _settling(schema: Schema, world: World) -> Iterable[Step]:
    """One step for all indexes that still have the capacity with which they were built."""
    steady = tuple(
        each for table in schema if table.existing and table.name in world.live for each in unsettled(table, world)
    )
    if steady:
        yield SettleCapacity(schema=schema, steady=steady, why="built indexes get their steady capacity")


def _monitoring(schema: Schema, world: World) -> Iterable[Step]:
    if world.unmonitored:
        yield Monitor(schema=schema, why=f"{len(world.unmonitored)} alarms and their like are not as they should be")


def _verifying(schema: Schema, world: World) -> Iterable[Step]:
    proof = world.proofs.get(VerifiedProof, STACK)
    if proof is None or proof.schema != schema.digest:
        yield Verify(schema=schema, why="prove that the whole stack is as the schema says")


def _backups(schema: Schema, world: World, steps: list[Step]) -> Iterable[Step]:
    """Before everything else: a backup of each live table whose items or indexes the steps change."""
    touched = {name for step in steps if step.NEEDS_BACKUP for name in step.tables}
    for table in schema:
        proof = world.proofs.get(BackupProof, table.name)
        if table.existing and table.name in touched and (proof is None or proof.schema != schema.digest):
            yield Backup(table=table.name, schema=schema, why="no backup, no change")


def _left_alone(schema: Schema, world: World) -> Iterable[str]:
    for table in schema:
        live = world.live.get(table.name)
        if live is None:
            continue
        if live.owner is not None:
            yield f"{table.name} is tagged as managed by {live.owner}"
        if live.ttl and not table.ttl:
            yield f"{table.name} deletes items by their {live.ttl}: expiry is on, and the schema has none"
        known = {index.name for index in table.every_index}
        for name in sorted(set(live.indexes) - known):
            yield f"{table.name}/{name} is live and not in the schema"


def adoption(schema: Schema, settings: Settings, world: World) -> Iterator[Step]:
    """One step for all tables: everything live into Pulumi's state, and streams, recovery and protection on."""
    reasons = {table.name: wanted for table in schema if (wanted := _to_adopt(table, settings, world))}
    told = [f"{name}: {', '.join(wanted)}" for name, wanted in reasons.items()]
    if world.managed.pending:
        told.append("clear what a killed run left pending")
    if told:
        kept = frozenset(settings.keep_stream)
        yield Adopt(schema=schema, names=tuple(reasons), kept_streams=kept, why="; ".join(told))


def _to_adopt(table: Table, settings: Settings, world: World) -> list[str]:
    live = world.live.get(table.name)
    if live is None:
        return []
    there = {table.ref(index) for index in table.every_index if will_be_live(live, index.name)}
    known = {ref for ref in world.managed.indexes if ref.table == table.name and ref.index in _names(table)}
    proof = world.proofs.get(TableProof, table.name)
    wanted = []
    if table.name not in world.managed.tables or there - known:
        wanted.append("import")
    if known - there:
        wanted.append("forget what is gone from AWS")
    had_stream = live.stream is not None or bool(proof and proof.stream)
    if live.stream != wanted_stream(live, settings.keep_stream):
        wanted.append("stream, with another ARN than before" if had_stream else "stream")
    wanted += _unprotected(table, live)
    if proof is None:
        wanted.append("record")
    return wanted


def _names(table: Table) -> set[str]:
    return {index.name for index in table.every_index}


def _unprotected(table: Table, live: LiveTable) -> list[str]:
    wanted = []
    if not live.point_in_time_recovery:
        wanted.append("point-in-time recovery")
    if not live.deletion_protection:
        wanted.append("deletion protection")
    if table.ttl and live.ttl != table.ttl:
        wanted.append("TTL")
    return wanted
