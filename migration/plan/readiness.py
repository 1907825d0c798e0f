"""The last part of a plan: when readers may use the new indexes, and when the old ones may go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from migration.plan.cost import cost
from migration.steps.step import UPS, Action, Held, Step
from schema.model import Index, RetiredIndex, Schema, Table
from stack.file.settings import Settings
from stack.gates import gate as gates
from stack.gates.claims import Claim
from stack.gates.gate import alarms_only_missing, approved, gate, shadow_reads_hold
from stack.gates.late_writers import needs_watch, read_ready, watched_to_the_end
from stack.world.live import DELETING
from stack.world.managed import index_resource
from stack.world.world import World


def readiness(schema: Schema, settings: Settings, world: World, steps: list[Step]) -> Iterable[Step]:
    """Looks at new indexes that are verified, or will be by `steps`: for late writers until none is left, and shadow
    reads until they are equal."""
    verifying = {step.subject for step in steps if step.action is Action.VERIFY_INDEX}
    for table in schema:
        live = world.live.get(table.name)
        if live is None or not table.existing:
            continue
        built = [index for index in _added(table) if _is_verified(table, index, world, verifying)]
        watched = [index for index in built if needs_watch(table, index) and not _is_ready(table, index, world)]
        if watched:
            record = world.proofs.of("watch", table.name)
            why = str(record["unready"]) if record and record["unready"] else "until no late writer is left"
            yield Step(Action.WATCH, (table.name,), why=f"{why}; {cost(live, settings.watch)}")
    for table in schema:
        if table.name not in world.live or not table.existing:
            continue
        for index in _added(table):
            if _is_verified(table, index, world, verifying) and _wants_shadow_reads(table, index, settings, world):
                reading = [
                    one.name for one in schema.access_patterns if (one.table, one.index) == (table.name, index.name)
                ]
                why = ", ".join(reading) or "no access pattern is declared on it"
                yield Step(Action.SHADOW_READ, (table.name,), index.name, f"answers as its table does: {why}")


def unready(schema: Schema, world: World, looks: list[Step]) -> list[Held]:
    """New indexes that nobody should read from yet, and that no look of this run will change."""
    looking = {step.name for step in looks}
    found: list[Held] = []
    for table in schema:
        for index in _added(table) if table.existing else ():
            resource = index_resource(table.name, index.name)
            ready, evidence = read_ready(table, index, world.live.get(table.name), world.proofs)
            against: list[Claim] = []
            if not ready and Step(Action.WATCH, (table.name,)).name not in looking:
                against.append(Claim("read-ready", False, evidence))
            shadow = world.proofs.of("shadow", resource)
            shadowing = Step(Action.SHADOW_READ, (table.name,), index.name).name in looking
            if shadow is not None and not shadow["equal"] and not shadowing:
                against.append(Claim(gates.SHADOW_READS, False, str(shadow["summary"])))
            if against:
                found.append(Held(table.name, index.name, tuple(against), is_new=True))
    return found


def removing(
    schema: Schema, settings: Settings, world: World, steps: list[Step], tried: Collection[str]
) -> tuple[list[Step], list[Held]]:
    """For retired indexes that are live: the steps that remove them where the gate is open, or will be by `steps`."""
    removals: list[Step] = []
    held: list[Held] = []
    for table in schema:
        live = world.live.get(table.name)
        for retired in table.retired:
            found = live.indexes.get(retired.name) if live else None
            if found is None or found.status == DELETING:
                continue
            shut = _shut(schema, table, retired, settings, world, steps)
            step = Step(Action.READ_INDEX, (table.name,), retired.name, "shows that its read metric is alive")
            dead = [condition for condition in shut if condition.name == gates.METRIC_ALIVE]
            if shut == dead and dead and step.name not in tried and world.observed.available:
                removals.append(step)
            elif shut:
                held.append(Held(table.name, retired.name, tuple(shut)))
                continue
            removals += _removal(table, retired, settings, world)
    return removals, held


def _removal(table: Table, retired: RetiredIndex, settings: Settings, world: World) -> Iterable[Step]:
    resource = index_resource(table.name, retired.name)
    if settings.brown_out_minutes and world.proofs.of("brown-out", resource) is None:
        why = f"reads of it are refused for {settings.brown_out_minutes:g} min, and can be had back at once"
        yield Step(Action.BROWN_OUT, (table.name,), retired.name, why)
    why = f"retired, replaced by {retired.replaced_by}, removal approved"
    yield Step(Action.REMOVE_INDEX, (table.name,), retired.name, why)


def _shut(
    schema: Schema, table: Table, retired: RetiredIndex, settings: Settings, world: World, steps: list[Step]
) -> list[Claim]:
    """The conditions that do not hold, but for those that the steps before will see to."""
    planned = {(step.action, table_name) for step in steps for table_name in step.tables}
    seen_to: set[str] = set()
    if _will_be_ready(table, retired, settings, world, planned):
        seen_to.add(gates.READ_READY)
    replacement = index_resource(table.name, retired.replaced_by)
    if any((step.action, step.subject) == (Action.SHADOW_READ, replacement) for step in steps):
        seen_to.add(gates.SHADOW_READS)
    if any(step.action in UPS | {Action.MONITOR} for step in steps) and alarms_only_missing(table, world.observed):
        seen_to.add(gates.ALARMS)
    return [
        condition
        for condition in gate(schema, table, retired, settings, world)
        if not condition.holds and condition.name not in seen_to
    ]


def _will_be_ready(
    table: Table, retired: RetiredIndex, settings: Settings, world: World, planned: set[tuple[Action, str]]
) -> bool:
    if (Action.WATCH, table.name) in planned:
        record = world.proofs.of("watch", table.name)
        return watched_to_the_end(record, world.observed.at, settings.watch)
    index = table.index(retired.replaced_by)
    return not needs_watch(table, index) and (Action.VERIFY_INDEX, table.name) in planned


def _added(table: Table) -> list[Index]:
    return [index for index in table.indexes if not index.existing]


def _is_verified(table: Table, index: Index, world: World, verifying: set[str]) -> bool:
    resource = index_resource(table.name, index.name)
    return resource in verifying or "verified" in (world.proofs.of("index", resource) or {})


def _is_ready(table: Table, index: Index, world: World) -> bool:
    return read_ready(table, index, world.live.get(table.name), world.proofs)[0]


def _wants_shadow_reads(table: Table, index: Index, settings: Settings, world: World) -> bool:
    """They are wanted once for each new index, and again, when they are long ago, for one whose old index may go."""
    resource = index_resource(table.name, index.name)
    if shadow_reads_hold(world.proofs, resource, world.observed.at):
        return False
    proof = world.proofs.of("shadow", resource)
    if proof is None or not proof["equal"]:
        return True
    live = world.live[table.name]
    return any(
        retired.replaced_by == index.name and retired.name in live.indexes and approved(table, retired, settings)
        for retired in table.retired
    )
