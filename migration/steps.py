"""What each step does. Every function is given the world as just read, does its one thing, and returns what to record.

After each step the runner reads AWS again and plans anew; a step that did not really happen is then still in the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from migration.backfilling import backfill
from migration.backups import backed_up
from migration.context import Context
from migration.plan import Action, Step, unsettled_indexes
from migration.verify import NOTHING_TO_QUERY, no_item_missed, query_index, verify
from migration.waiting import settled, wait_for
from stack.capacity import building_throughput
from stack.declaration import present
from stack.errors import Refused, VerificationFailed
from stack.gates import gate
from stack.ledger import Facts, now
from stack.live import ACTIVE, LiveTable
from stack.managed import index_resource
from stack.world import World

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
    # Before the `up`: killed in the middle of it, the index is still known to be ours, and gets settled.
    proof: dict[str, str] = {"started": now()}
    if live.throughput is None or steady is None or building_throughput(live, steady) == steady:
        proof["settled"] = now()
    context.ledger.prove_of("index", step.subject, live, proof)
    context.engine.up(world.live, present(context.schema, world).with_index(step.subject))
    return {}


def _verify_index(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    table = context.schema.table(name)
    index = table.index(step.index or "")

    def show(live: LiveTable) -> bool:
        found = live.indexes.get(index.name)
        if found is None:
            raise VerificationFailed(
                f"Index {step.subject} is not there.",
                "The `pulumi up` that created it said that it succeeded.",
                f"Run: ./invoke status --stack {context.config.stack}",
            )
        filling = " and backfilling" if found.backfilling else ""
        context.observer.progress(0, 0, f"{found.status}{filling}")
        return found.status == ACTIVE

    wait_for(context, name, show)
    facts = query_index(context.client, context.config.physical_name(name), table.key_names, index)
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
        for index in unsettled_indexes(context.schema.table(name), world)
    }
    context.engine.up(world.live, present(context.schema, world).settling(frozenset(indexes)))
    settled: dict[str, str] = {}
    for resource, index in indexes.items():
        proof = world.proofs.of("index", resource) or {}
        context.ledger.prove("index", resource, {**proof, "settled": now()})  # still of the same table
        if index.throughput is not None:
            settled[resource] = f"{index.throughput.read}/{index.throughput.write}"
    return {"capacity": settled}


def _remove_index(context: Context, world: World, step: Step) -> Facts:
    (name,) = step.tables
    table = context.schema.table(name)
    retired = next(retired for retired in table.retired if retired.name == step.index)
    conditions = gate(table, retired, context.config.settings, world.live, world.proofs)
    if not all(condition.holds for condition in conditions):
        raise Refused(
            f"The gate for removing {step.subject} is shut.",
            "; ".join(f"{condition.name}: {condition.evidence}" for condition in conditions if not condition.holds),
            f"Run: ./invoke plan --stack {context.config.stack}",
        )
    missed = no_item_missed(context.client, context.config, table)
    if not missed.holds:
        raise Refused(
            f"{step.subject} must not be removed yet.",
            f"Its replacement would miss items: {missed.evidence}.",
            f"Run: ./invoke verify --stack {context.config.stack}",
        )
    context.engine.up(
        world.live,
        present(context.schema, world).without_index(step.subject),
        deletions=frozenset({step.subject}),
    )
    wait_for(context, name, lambda live: retired.name not in live.indexes)
    return {condition.name: condition.evidence for condition in conditions}


def _verify(context: Context, world: World, step: Step) -> Facts:
    checks = verify(context.client, context.config, context.schema, world, context.observer)
    failed = [check for check in checks if not check.holds]
    if failed:
        raise VerificationFailed(
            f"{len(failed)} of {len(checks)} checks failed.",
            "; ".join(f"{check.subject}: {check.evidence}" for check in failed[:5]),
            f"Run: ./invoke verify --stack {context.config.stack}",
        )
    facts = {"checks": len(checks), "schema": context.schema.digest}
    context.ledger.prove("verify", "stack", facts)
    return facts


_APPLY: dict[Action, Apply] = {
    Action.WAIT: _wait,
    Action.BACKUP: _backup,
    Action.ADOPT: _adopt,
    Action.BACKFILL: _backfill,
    Action.CREATE_INDEX: _create_index,
    Action.VERIFY_INDEX: _verify_index,
    Action.CREATE_TABLES: _create_tables,
    Action.SETTLE_CAPACITY: _settle_capacity,
    Action.REMOVE_INDEX: _remove_index,
    Action.VERIFY: _verify,
}
