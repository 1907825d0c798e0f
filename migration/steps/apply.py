"""What each step does. Every function is given the world as just read, does its one thing, and returns what to record.

After each step the runner reads AWS again and plans anew; a step that did not really happen is then still in the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial

from migration.checks.querying import NOTHING_TO_QUERY, query_index
from migration.checks.verify import backfill_check, no_item_missed, verify
from migration.plan.plan import unsettled_indexes
from migration.run.raising import RAISED
from migration.session.brown_out import brown_out
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import settled, wait_for
from migration.steps.backfilling import backfill
from migration.steps.backups import backed_up
from migration.steps.building import Build, building
from migration.steps.proving import read_index, shadow_read
from migration.steps.step import Action, Step
from migration.steps.watching import look
from schema.errors import Refused, VerificationFailed, Waiting
from schema.model import Index, Table
from stack.capacity import building_throughput
from stack.declaration import present
from stack.gates.gate import Condition, gate
from stack.gates.late_writers import read_ready
from stack.ledger.ledger import Facts, now
from stack.world.live import ACTIVE, LiveTable
from stack.world.managed import index_resource
from stack.world.world import World

Apply = Callable[[Context, World, Step], Facts]


def apply(context: Context, world: World, step: Step) -> Facts:
    """Does the step and returns what is worth recording. Raises ToolError."""
    return _APPLY[step.action](context, world, step)


def _wait(context: Context, world: World, step: Step) -> Facts:
    for name in step.tables:
        wait_for(context, name, settled(context))
    return {}


def _backup(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    physical = context.config.physical_name(name)
    day = f"{datetime.fromisoformat(context.clock()):%Y%m%d}"
    backup_name = f"{physical}-pre-migration-{day}"
    facts = backed_up(context, name, backup_name, _unproven_backup(context, world, name, backup_name))
    context.ledger.prove_of("backup", name, world.live[name], {**facts, "schema": context.schema.digest})
    return facts


def _unproven_backup(context: Context, world: World, name: str, backup_name: str) -> str | None:
    """The backup of that table that a killed run asked for and did not come to prove: as good as a new one."""
    table, proof = world.live[name], world.proofs.of("backup", name)
    proven = datetime.fromisoformat(str(proof["at"])) if proof else datetime.min.replace(tzinfo=UTC)
    pages = context.client.get_paginator("list_backups").paginate(TableName=context.config.physical_name(name))
    for page in pages:
        for backup in page["BackupSummaries"]:
            same = backup["BackupName"] == backup_name and backup.get("TableId", table.id) == table.id
            if same and backup["BackupStatus"] != "DELETED" and backup["BackupCreationDateTime"] > proven:
                return backup["BackupArn"]
    return None


def _adopt(context: Context, world: World, step: Step) -> Facts:
    if not world.managed.created:
        context.engine.create_stack()
    elif world.managed.pending or any(name in world.managed.tables for name in step.tables):
        # Pulumi compares the program with its state: what was changed by hand has to be read into that first.
        context.engine.refresh()
        world = context.read_world()
    context.engine.up(world.live, present(context.schema, world))
    arns: dict[str, str] = {}
    for name in world.live:
        table = wait_for(context, name, lambda table: table.is_settled)
        arns[name] = table.stream_arn or ""
        context.ledger.prove("table", name, {"stream": arns[name]})
    return {"streams": arns}


def _backfill(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    return backfill(context, world, name)


def _create_index(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    live, steady = world.live[name], context.schema.table(name).index(step.index or "").throughput
    wanted = context.config.settings.building_write_units.get(step.subject)
    # Before the `up`: killed in the middle of it, the index is still known to be ours, and gets settled.
    proof: dict[str, str] = {"started": now()}
    if live.throughput is None or steady is None or building_throughput(live, steady, wanted) == steady:
        proof["settled"] = now()
    context.ledger.prove_of("index", step.subject, live, proof)
    for kind in ("read-ready", "shadow"):
        # Whatever was shown of an index of that name, this is another one.
        context.ledger.disprove(kind, step.subject)
    with building(context, name, step.index or ""):
        context.engine.up(world.live, present(context.schema, world).with_index(step.subject))
    return {}


def _verify_index(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    table = context.schema.table(name)
    index = table.index(step.index or "")

    build = Build(context, name, index.name)

    def show(live: LiveTable) -> bool:
        found = live.indexes.get(index.name)
        if found is None:
            raise VerificationFailed(
                f"Index {step.subject} is not there.",
                "The `pulumi up` that created it said that it succeeded.",
                f"Run: ./invoke status --stack {context.config.stack}",
            )
        if found.status != ACTIVE:
            build.show(live)
        return found.status == ACTIVE

    wait_for(context, name, show)
    facts = query_index(reader_of(context, world.live[name]), table, index)
    filled = (world.proofs.of("backfill", name) or {}).get("changed", 0)
    if table.needs_backfill(index) and filled and facts["queried"] == NOTHING_TO_QUERY:
        raise VerificationFailed(
            f"No item of {name} belongs in {index.name}, although the backfill filled {filled}.",
            "So nothing shows that the index works.",
            f"Run: ./invoke verify --stack {context.config.stack}",
        )
    proof = dict(world.proofs.of("index", step.subject) or {})
    context.ledger.prove_of("index", step.subject, world.live[name], {**proof, **facts, "verified": now()})
    return facts


def _create_tables(context: Context, world: World, step: Step) -> Facts:
    if not world.managed.created:
        context.engine.create_stack()
    tables = [context.schema.table(name) for name in step.tables]
    context.engine.up(world.live, present(context.schema, world).with_tables(tables))
    arns: dict[str, str] = {}
    for name in step.tables:
        arns[name] = wait_for(context, name, lambda table: table.is_settled).stream_arn or ""
        context.ledger.prove("table", name, {"stream": arns[name]})
    return {"streams": arns}


def _settle_capacity(context: Context, world: World, step: Step) -> Facts:
    indexes = {
        index_resource(name, index.name): index
        for name in step.tables
        for index in unsettled_indexes(context.schema.table(name), context.config.settings, world)
    }
    if any(world.proofs.of(RAISED, resource) is not None for resource in indexes):
        # Raised past Pulumi, which compares the program with its state: that has to know of it first.
        context.engine.refresh()
    context.engine.up(world.live, present(context.schema, world).settling(frozenset(indexes)))
    settled: dict[str, str] = {}
    for resource, index in indexes.items():
        proof = world.proofs.of("index", resource) or {}
        context.ledger.prove("index", resource, {**proof, "settled": now()})  # still of the same table
        context.ledger.disprove(RAISED, resource)
        if index.throughput is not None:
            settled[resource] = f"{index.throughput.read}/{index.throughput.write}"
    return {"capacity": settled}


def _monitor(context: Context, world: World, step: Step) -> Facts:
    context.engine.up(world.live, present(context.schema, world))
    return {"monitors": len(world.unmonitored)}


def _look(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    return look(context, world, name)


def _brown_out(context: Context, world: World, step: Step) -> Facts:
    _refuse_shut(context, world, step)
    return brown_out(context, world, step.tables[0], step.index or "")


def _remove_index(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    conditions = _refuse_shut(context, world, step)
    context.engine.up(
        world.live,
        present(context.schema, world).without_index(step.subject),
        deletions=frozenset({step.subject}),
    )
    wait_for(context, name, lambda live: step.index not in live.indexes)
    return {condition.name: condition.evidence for condition in conditions}


def _refuse_shut(context: Context, world: World, step: Step) -> list[Condition]:
    """The conditions of an open gate. Raises Refused for one that is shut, Waiting when a late writer is back."""
    (name,) = step.tables
    table = context.schema.table(name)
    retired = next(retired for retired in table.retired if retired.name == step.index)
    conditions = gate(context.schema, table, retired, context.config.settings, world)
    if not all(condition.holds for condition in conditions):
        raise Refused(
            f"The gate for removing {step.subject} is shut.",
            "; ".join(f"{condition.name}: {condition.evidence}" for condition in conditions if not condition.holds),
            f"Run: ./invoke gate --stack {context.config.stack}",
        )
    accepted = context.config.settings.accepted_violations.get(name, 0)
    missed = no_item_missed(reader_of(context, world.live[name]), table, accepted)
    if not missed.holds:
        # From now on it is watched again.
        context.ledger.disprove("read-ready", index_resource(name, retired.replaced_by))
        raise Waiting(
            f"{step.subject} must not be removed yet: a late writer is back.",
            f"Its replacement would miss items: {missed.evidence}.",
            f"Run: ./invoke watch --stack {context.config.stack}",
        )
    return conditions


def _verify(context: Context, world: World, step: Step) -> Facts:
    accepted = context.config.settings.accepted_violations
    checks = verify(partial(reader_of, context), context.schema, accepted, world, context.observer)
    watched = {backfill_check(table) for table in context.schema if any(_unready(table, world))}
    # What late writers leave out is the watch's to mend, and keeps the new indexes from being read-ready.
    failed = [check for check in checks if not check.holds and check.name not in watched]
    if failed:
        raise VerificationFailed(
            f"{len(failed)} of {len(checks)} checks failed.",
            "; ".join(f"{check.name}: {check.evidence}" for check in failed[:5]),
            f"Run: ./invoke verify --stack {context.config.stack}",
        )
    facts = {"checks": len(checks), "schema": context.schema.digest}
    context.ledger.prove("verify", "stack", facts)
    return facts


def _unready(table: Table, world: World) -> Iterable[Index]:
    for index in table.indexes:
        ready, _ = read_ready(table, index, world.live.get(table.name), world.proofs)
        if not ready:
            yield index


_APPLY: dict[Action, Apply] = {
    Action.WAIT: _wait,
    Action.BACKUP: _backup,
    Action.ADOPT: _adopt,
    Action.BACKFILL: _backfill,
    Action.BEGIN_WATCH: _look,
    Action.CREATE_INDEX: _create_index,
    Action.VERIFY_INDEX: _verify_index,
    Action.CREATE_TABLES: _create_tables,
    Action.SETTLE_CAPACITY: _settle_capacity,
    Action.MONITOR: _monitor,
    Action.WATCH: _look,
    Action.SHADOW_READ: shadow_read,
    Action.READ_INDEX: read_index,
    Action.BROWN_OUT: _brown_out,
    Action.REMOVE_INDEX: _remove_index,
    Action.VERIFY: _verify,
}
