"""The plan: what has to happen, in which order, as a pure function of the schema, the settings and the world.

The order within a table can not lose data or break a reader: backup, adopt, backfill, create one index, verify it,
and only then, with its gate open, remove the index that it replaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from migration.conflicts import keys_text, refuse_conflicts
from schema.model import BillingMode, Index, RetiredIndex, Schema, Table
from stack.capacity import building_throughput
from stack.gates import Condition, backfill_proven, gate
from stack.live import ACTIVE, DELETING, STREAM_VIEW_TYPE, LiveTable
from stack.managed import index_resource
from stack.settings import Settings
from stack.world import World


class Action(StrEnum):
    """What a step does."""

    WAIT = "wait"
    BACKUP = "backup"
    ADOPT = "adopt"
    BACKFILL = "backfill"
    CREATE_INDEX = "create-index"
    VERIFY_INDEX = "verify-index"
    CREATE_TABLES = "create-tables"
    SETTLE_CAPACITY = "settle-capacity"
    REMOVE_INDEX = "remove-index"
    VERIFY = "verify"
    # Of rollbacks alone: no plan has them.
    RELEASE_TABLES = "release-tables"
    REMOVE_TABLES = "remove-tables"
    RESTORE = "restore"
    COMPARE = "compare"


# Steps that change what items or indexes a table has: none without a backup.
_CHANGING = {Action.ADOPT, Action.BACKFILL, Action.CREATE_INDEX, Action.REMOVE_INDEX}


@dataclass(frozen=True)
class Step:
    """One step: what it does to which tables (names in the schema), to which index, and why it is needed now."""

    action: Action
    tables: tuple[str, ...] = ()
    index: str | None = None
    why: str = ""

    @property
    def subject(self) -> str:
        """What the step is about, such as `reports/GSI3-StatusIndex`."""
        return index_resource(self.tables[0], self.index) if self.index else ", ".join(self.tables)

    @property
    def name(self) -> str:
        """The same name for the same step in every run."""
        return f"{self.action} {self.subject}".strip()


@dataclass(frozen=True)
class Held:
    """A retired index that can not go yet, with the conditions of its gate that do not hold."""

    table: str
    index: str
    shut: tuple[Condition, ...]

    @property
    def subject(self) -> str:
        return index_resource(self.table, self.index)


@dataclass(frozen=True)
class Plan:
    """The steps in order, the removals that wait for their gate, and what is live but left alone."""

    steps: tuple[Step, ...] = ()
    held: tuple[Held, ...] = ()
    left_alone: tuple[str, ...] = ()

    def narrowed(self, table: str | None, index: str | None) -> Plan:
        """Only what concerns one table, or one index of it. Adoption stays whole: Pulumi's state is one."""
        if table is None:
            return self
        whole_stack = {Action.WAIT, Action.BACKUP, Action.ADOPT}

        def concerns(step: Step) -> bool:
            if step.action in whole_stack:
                return True
            if step.action is Action.VERIFY or table not in step.tables:
                return False
            return index is None or step.index in {None, index}

        return replace(
            self,
            steps=tuple(step for step in self.steps if concerns(step)),
            held=tuple(held for held in self.held if held.table == table and index in {None, held.index}),
        )

    def backfills_only(self, table: str | None) -> Plan:
        """Only the backfills, of one table or of all, with the backups that go before them."""
        filled = {step.tables[0] for step in self.steps if step.action is Action.BACKFILL}
        wanted = {name for name in filled if table in {None, name}}

        def concerns(step: Step) -> bool:
            return step.action in {Action.WAIT, Action.BACKUP, Action.BACKFILL} and set(step.tables) <= wanted

        return Plan(tuple(step for step in self.steps if concerns(step)))


def plan(schema: Schema, settings: Settings, world: World) -> Plan:
    """The steps from `world` to the schema; none when it is reached. Raises Refused where going on could lose data."""
    for table in schema:
        refuse_conflicts(table, settings, world)
    steps = [
        *_waits(schema, world),
        *_adoption(schema, world),
        *(step for table in schema if table.name in world.live for step in _table_steps(table, world)),
        *_new_tables(schema, world),
        *_settling(schema, world),
    ]
    removals, held = _removals(schema, settings, world, steps)
    steps += removals
    verified = world.proofs.of("verify", "stack") or {}
    if steps or verified.get("schema") != schema.digest:
        steps.append(Step(Action.VERIFY, why="prove that the whole stack is as the schema says"))
    return Plan((*_backups(schema, world, steps), *steps), tuple(held), tuple(_left_alone(schema, world)))


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


def _table_steps(table: Table, world: World) -> Iterable[Step]:
    """Backfill, then each missing index by itself: created, then verified."""
    live = world.live[table.name]
    if table.backfilled and not backfill_proven(table, world.proofs):
        why = f"items get {' and '.join(table.backfilled)}; about {live.item_count:,} to scan"
        yield Step(Action.BACKFILL, (table.name,), why=why)
    for index in table.indexes:
        missing = not _will_be_live(live, index.name)
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


def _settling(schema: Schema, world: World) -> Iterable[Step]:
    """One step for all indexes that still have the capacity with which they were built."""
    tables = [
        table.name
        for table in schema
        if table.existing and table.name in world.live and any(unsettled_indexes(table, world, planned=True))
    ]
    if tables:
        yield Step(Action.SETTLE_CAPACITY, tuple(tables), why="built indexes get their steady capacity")


def unsettled_indexes(table: Table, world: World, *, planned: bool = False) -> Iterable[Index]:
    """Indexes of an adopted provisioned table that are to get their steady capacity: those that a run of ours built.
    With `planned` also those that are still to be built, if they will be built with more."""
    live = world.live[table.name]
    if live.billing_mode is BillingMode.ON_DEMAND:
        return
    for index in table.indexes:
        found = live.indexes.get(index.name)
        if found is None:
            if planned and index.throughput and building_throughput(live, index.throughput) != index.throughput:
                yield index
            continue
        proof = world.proofs.of("index", index_resource(table.name, index.name))
        ours = proof is not None and "started" in proof and "settled" not in proof
        if ours and found.index.throughput != index.throughput:
            yield index


def _removals(schema: Schema, settings: Settings, world: World, steps: list[Step]) -> tuple[list[Step], list[Held]]:
    """Retired indexes that are live: a step where the gate is open, or will be by the steps before it."""
    removals: list[Step] = []
    held: list[Held] = []
    planned = {step.subject for step in steps if step.action is Action.VERIFY_INDEX}
    for table in schema:
        live = world.live.get(table.name)
        for retired in table.retired:
            found = live.indexes.get(retired.name) if live else None
            if found is None or found.status == DELETING:
                continue
            shut = _shut(table, retired, settings, world, planned)
            if shut:
                held.append(Held(table.name, retired.name, tuple(shut)))
            else:
                why = f"retired, replaced by {retired.replaced_by}, removal approved"
                removals.append(Step(Action.REMOVE_INDEX, (table.name,), retired.name, why))
    return removals, held


def _shut(table: Table, retired: RetiredIndex, settings: Settings, world: World, planned: set[str]) -> list[Condition]:
    conditions = gate(table, retired, settings, world.live, world.proofs)
    shut = [condition for condition in conditions if not condition.holds]
    if index_resource(table.name, retired.replaced_by) in planned:
        return [condition for condition in shut if condition.name != "replacement verified"]
    return shut


def _backups(schema: Schema, world: World, steps: list[Step]) -> Iterable[Step]:
    touched = {name for step in steps if step.action in _CHANGING for name in step.tables}
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
