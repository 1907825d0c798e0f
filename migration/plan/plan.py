"""The plan: what has to happen, in which order, as a pure function of the schema, the settings and the world.

The order within a table can not lose data or break a reader: backup, adopt, backfill, create one index, verify it,
and only then, with its gate open, remove the index that it replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from migration.plan.conflicts import keys_text, refuse_conflicts
from migration.plan.readiness import readiness, removing, unready
from migration.steps.step import CHANGING, EVIDENCE, UPS, Action, Plan, Step
from schema.model import BillingMode, Index, Schema, Table
from stack.capacity import building_throughput
from stack.file.settings import Settings
from stack.gates.gate import backfill_proven
from stack.gates.late_writers import needs_watch
from stack.world.live import ACTIVE, DELETING, STREAM_VIEW_TYPE, LiveTable
from stack.world.managed import index_resource
from stack.world.world import World


def plan(schema: Schema, settings: Settings, world: World, tried: Collection[str] = ()) -> Plan:
    """The steps from `world` to the schema; none when it is reached. Raises Refused where going on could lose data.

    `tried` are the names of looking steps that this run has done: what they did not show is waited for.
    """
    for table in schema:
        refuse_conflicts(table, settings, world)
    steps = [
        *_waits(schema, world),
        *_adoption(schema, world),
        *(step for table in schema if table.name in world.live for step in _table_steps(table, settings, world)),
        *_new_tables(schema, world),
        *_settling(schema, settings, world),
    ]
    if world.unmonitored and not any(step.action in UPS for step in steps):
        why = f"{len(world.unmonitored)} alarms and their like are not as they should be"
        steps.append(Step(Action.MONITOR, why=why))
    looks = [look for look in readiness(schema, settings, world, steps) if look.name not in tried]
    removals, held = removing(schema, settings, world, [*steps, *looks], tried)
    waiting = unready(schema, world, looks) if not steps else []
    changes = [*steps, *(step for step in removals if step.action not in EVIDENCE)]
    verified = world.proofs.of("verify", "stack") or {}
    ending = []
    if changes or verified.get("schema") != schema.digest:
        ending.append(Step(Action.VERIFY, why="prove that the whole stack is as the schema says"))
    whole = [*steps, *looks, *removals, *ending]
    return Plan((*_backups(schema, world, whole), *whole), (*waiting, *held), tuple(_left_alone(schema, world)))


def _waits(schema: Schema, world: World) -> Iterable[Step]:
    for table in schema:
        live = world.live.get(table.name)
        if live is not None and not live.is_settled:
            states = [f"table {live.status}"] * (live.status != ACTIVE) + [
                f"{name} {index.status}" for name, index in live.indexes.items() if index.status != ACTIVE
            ]
            yield Step(Action.WAIT, (table.name,), why=", ".join(states))


def _adoption(schema: Schema, world: World) -> Iterable[Step]:
    """One step for all tables: everything live into Pulumi's state, and streams, recovery and protection on."""
    reasons: list[str] = []
    tables: list[str] = []
    for table in schema:
        live = world.live.get(table.name)
        if live is None:
            continue
        names = {index_resource(table.name, index.name): index.name for index in table.every_index}
        there = {resource for resource, name in names.items() if _will_be_live(live, name)}
        known = world.managed.indexes & set(names)
        wanted = []
        if table.name not in world.managed.tables or there - known:
            wanted.append("import")
        if known - there:
            wanted.append("forget what is gone from AWS")
        proof = world.proofs.of("table", table.name)
        wanted += _unprotected(table, live, had_stream=live.stream is not None or bool((proof or {}).get("stream")))
        if proof is None:
            wanted.append("record")
        if wanted:
            tables.append(table.name)
            reasons.append(f"{table.name}: {', '.join(wanted)}")
    if tables or world.managed.pending:
        if world.managed.pending:
            reasons.append("clear what a killed run left pending")
        yield Step(Action.ADOPT, tuple(tables), why="; ".join(reasons))


def _unprotected(table: Table, live: LiveTable, *, had_stream: bool) -> list[str]:
    wanted = []
    if live.stream != STREAM_VIEW_TYPE:
        wanted.append("stream, with another ARN than before" if had_stream else "stream")
    if not live.point_in_time_recovery:
        wanted.append("point-in-time recovery")
    if not live.deletion_protection:
        wanted.append("deletion protection")
    if table.ttl and live.ttl != table.ttl:
        wanted.append("TTL")
    return wanted


def _table_steps(table: Table, settings: Settings, world: World) -> Iterable[Step]:
    """Backfill, then each missing index by itself: created, then verified. Late writers are watched from before it."""
    live = world.live[table.name]
    if table.backfilled and not backfill_proven(table, world.proofs):
        why = f"items get {' and '.join(table.backfilled)}; about {live.item_count:,} to scan"
        yield Step(Action.BACKFILL, (table.name,), why=why)
    watched = world.proofs.of("watch", table.name) is not None
    for index in table.indexes:
        missing = not _will_be_live(live, index.name)
        if missing and not watched and settings.late_writers.minutes and needs_watch(table, index):
            watched = True
            yield Step(
                Action.BEGIN_WATCH, (table.name,), why="what late writers leave out of the index from now on counts"
            )
        if missing:
            yield Step(Action.CREATE_INDEX, (table.name,), index.name, why=f"on {keys_text(index.keys)}")
        proof = world.proofs.of("index", index_resource(table.name, index.name)) or {}
        if missing or (not index.existing and "verified" not in proof):
            yield Step(Action.VERIFY_INDEX, (table.name,), index.name, why="wait until ACTIVE, then query it")


def _new_tables(schema: Schema, world: World) -> Iterable[Step]:
    missing = [table for table in schema if table.name not in world.live]
    if missing:
        indexes = sum(len(table.indexes) for table in missing)
        names = tuple(table.name for table in missing)
        yield Step(Action.CREATE_TABLES, names, why=f"new, with {indexes} indexes")
        for table in missing:
            for index in table.indexes:
                yield Step(Action.VERIFY_INDEX, (table.name,), index.name, why="wait until ACTIVE, then query it")


def _settling(schema: Schema, settings: Settings, world: World) -> Iterable[Step]:
    """One step for all indexes that still have the capacity with which they were built."""
    tables = [
        table.name
        for table in schema
        if table.existing and table.name in world.live and any(unsettled_indexes(table, settings, world, planned=True))
    ]
    if tables:
        yield Step(Action.SETTLE_CAPACITY, tuple(tables), why="built indexes get their steady capacity")


def unsettled_indexes(table: Table, settings: Settings, world: World, *, planned: bool = False) -> Iterable[Index]:
    """Indexes of an adopted provisioned table that are to get their steady capacity: those that a run of ours built.
    With `planned` also those that are still to be built, if they will be built with more."""
    live = world.live[table.name]
    if live.billing_mode is BillingMode.ON_DEMAND:
        return
    for index in table.indexes:
        found = live.indexes.get(index.name)
        if found is None:
            wanted = settings.building_write_units.get(index_resource(table.name, index.name))
            if planned and index.throughput and building_throughput(live, index.throughput, wanted) != index.throughput:
                yield index
            continue
        proof = world.proofs.of("index", index_resource(table.name, index.name))
        raised = world.proofs.of("raised", index_resource(table.name, index.name)) is not None
        ours = proof is not None and "started" in proof and (raised or "settled" not in proof)
        if ours and found.index.throughput != index.throughput:
            yield index


def _backups(schema: Schema, world: World, steps: list[Step]) -> Iterable[Step]:
    touched = {name for step in steps if step.action in CHANGING for name in step.tables}
    for table in schema:
        if not table.existing or table.name not in touched:
            continue
        proof = world.proofs.of("backup", table.name) or {}
        if proof.get("schema") != schema.digest:
            yield Step(Action.BACKUP, (table.name,), why="no backup, no change")


def _left_alone(schema: Schema, world: World) -> Iterable[str]:
    for table in schema:
        live = world.live.get(table.name)
        if live is not None and live.owner is not None:
            yield f"{table.name} is tagged as managed by {live.owner}"
        if live is not None and live.ttl and not table.ttl:
            yield f"{table.name} deletes items by their {live.ttl}: expiry is on, and the schema has none"
        known = {index.name for index in table.every_index}
        for name in sorted(set(live.indexes) - known) if live else ():
            yield f"{index_resource(table.name, name)} is live and not in the schema"


def _will_be_live(live: LiveTable, index: str) -> bool:
    """Whether the index is there once what AWS is doing is done."""
    found = live.indexes.get(index)
    return found is not None and found.status != DELETING
