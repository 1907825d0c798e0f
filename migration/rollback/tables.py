"""Taking the new tables back: they are removed, with a backup of each that holds data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migration.rollback.proposal import Proposal, RolledBack, ahead, planned, roll_back
from migration.session.context import Context
from migration.steps.stack.verify import VerifyRollback
from migration.steps.stack.wait import Wait
from migration.steps.step import Step
from migration.steps.tables.backup import Backup
from migration.steps.tables.create_tables import (
    BEFORE_ROLLBACK,
    CreateTables,
    ReleaseTables,
    RemoveTables,
    holding_data,
    refuse_unconfirmed,
)
from schema.errors import Refused, UsageError
from schema.model import Table
from stack.gates.claims import Claim
from stack.ledger.records import TableProof
from stack.world.refusing import refuse_unsupported
from stack.world.surroundings import Surroundings, Unknown
from stack.world.world import World


def tables_rollback(context: Context, confirmed: Iterable[str]) -> Proposal[RolledBack]:
    """The rollback of all new tables; of those that hold data only if `confirmed` (names in the schema) names them.
    Raises UsageError for a name that is no new table's, Refused when nothing may be done."""
    new = [table for table in context.schema if not table.existing]
    named = frozenset(confirmed)
    unknown = sorted(named - {table.name for table in new})
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no new table.",
            f"The schema's new tables: {', '.join(table.name for table in new) or 'none'}.",
            "Correct --holding-data: names with commas between them.",
        )
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    refuse_unsupported(world.live)
    tables = tuple(table for table in new if _is_known(world, table))
    if not tables:
        raise Refused(
            f"Stack {context.config.stack} has no new table.",
            "So there is nothing to roll back.",
            context.command("plan"),
        )
    holding = holding_data(context, world, tables)
    refuse_unconfirmed(world, tables, holding, named)
    says = [_said(table, world, holding) for table in tables]
    surroundings = context.surrounded(world).surroundings
    says += [line for table in tables if table.name in world.live for line in _fed(table.name, surroundings)]
    names = tuple(table.name for table in tables)
    says += [
        f"What reads them fails from then on: {pattern.name}."
        for pattern in context.schema.access_patterns
        if pattern.table in names
    ]

    def do() -> RolledBack:
        summary = roll_back(context, "the new tables", lambda world: _steps(context, world, tables, named))
        backups = {done.step.subject: done.facts["arn"] for done in summary.done if isinstance(done.step, Backup)}
        for done in summary.done:
            backups |= done.facts.get("backups", {})
        facts = {"removed": list(names), "backups": backups}
        return RolledBack(summary.run or "", f"Removed: {', '.join(names)}.", facts, ahead(context))

    return Proposal(tuple(says), do)


def _steps(context: Context, world: World, tables: tuple[Table, ...], confirmed: frozenset[str]) -> Iterator[Step]:
    names = tuple(table.name for table in tables)
    live = [name for name in names if name in world.live]
    if any(not world.live[name].is_idle for name in live):
        yield Wait(names=tuple(live))
    holding = holding_data(context, world, tables) & set(live)
    for name in sorted(holding):
        yield Backup(table=name, schema=context.schema, before=BEFORE_ROLLBACK)
    for step in CreateTables(schema=context.schema, new=tables).undo():
        if isinstance(step, RemoveTables):
            yield RemoveTables(schema=context.schema, new=tables, confirmed=confirmed, backed_up=holding)
        elif live and isinstance(step, ReleaseTables):
            yield step
    yield VerifyRollback(names=names, claims=lambda context, world: _claims(context, world, names))


def _claims(context: Context, world: World, names: tuple[str, ...]) -> Iterator[Claim]:
    managed = world.managed.tables | {ref.table for ref in world.managed.indexes}
    left = planned(context, world)
    created = {name for step in left or () if isinstance(step, CreateTables) for name in step.tables}
    for name in names:
        yield Claim(f"AWS lacks {name}", name not in world.live, "read from AWS")
        yield Claim(f"Pulumi's state lacks {name}", name not in managed, "read from the state")
        if left is not None:
            yield Claim(f"the plan creates {name} again", name in created, f"{len(left)} steps")


def _is_known(world: World, table: Table) -> bool:
    name = table.name
    return name in world.live or name in world.managed.tables or world.proofs.get(TableProof, name) is not None


def _said(table: Table, world: World, holding: frozenset[str]) -> str:
    name, indexes = table.name, f"{len(table.indexes)} indexes"
    if name not in world.live:
        return f"Forgets table {name}, which is gone. `migrate` creates it again, empty."
    if name in holding:
        return f"Removes table {name}, which holds data, and its {indexes}, once a backup of it is AVAILABLE."
    return f"Removes table {name}, which is empty, and its {indexes}."


def _fed(name: str, surroundings: Surroundings) -> Iterator[str]:
    """What gets nothing any more once the table is gone, or that this is not known."""
    attached = surroundings.of(name)
    for what, readers in (("reads the stream", attached.consumers), ("gets the changes", attached.kinesis)):
        if isinstance(readers, Unknown):
            yield f"Who {what} of {name} is not known: {readers.why}."
        elif readers:
            yield f"{', '.join(readers)} {what} of {name}, and gets nothing from then on."
