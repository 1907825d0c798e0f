"""Runs about items alone: filling them, only looking at them, and looking for late writers at the stack's interval,
until every new index is read-ready."""

from __future__ import annotations

from collections.abc import Iterator

from backfills.run.survey import Survey
from migration.run.runner import Summary, attested, narrowed_run, plan_of
from migration.session.context import Context
from migration.session.exclusive import exclusive
from migration.session.waiting import pause_here
from migration.steps.items.backfill import BackfillTable
from migration.steps.items.late_writers import LateWriters
from migration.steps.items.working import backfilled_tables, probed, shown, working
from schema.clock import at_present
from schema.model import Index, Table
from schema.references import IndexRef
from stack.gates.claims import Claim
from stack.gates.late_writers import is_verified, meets_late_writers, next_look, read_ready
from stack.ledger.records import STACK, LateWritersProof, VerifiedProof
from stack.world.world import World


def fill(context: Context, table: str | None) -> Summary:
    """Runs the backfills that are not proven, with the backups that go before them. Raises ToolError."""
    if table is not None:
        backfilled_tables(context, context.read_world(), table)
    summary = narrowed_run(context, lambda found: found.backfills_only(table), "backfill")
    summary.narrowed_to = table
    return summary


def survey(context: Context, table: str | None, *, check: bool, mend: bool) -> dict[str, Survey]:
    """A dry run of one table's backfill or of all, by table; or a check, whose finds are mended if so asked. The first
    two write nothing, not even to the ledger. Raises ToolError."""
    world = context.read_world()
    names = backfilled_tables(context, world, table)
    # A count would mislead where no backfill may touch the table.
    plan_of(context, world)
    surveys: dict[str, Survey] = {}
    for number, name in enumerate(names, 1):
        context.reporter.started(BackfillTable(table=context.schema.table(name)), number, len(names))
        with working(context, world, name, shown(context, world, name)) as assembly:
            if mend:
                attested(context, world)
                with exclusive(context, f"mending of stale values of {name}"):
                    # Its items are about to be others than those that were verified.
                    context.ledger.disprove(VerifiedProof, STACK)
                    probed(context, assembly)
                    surveys[name] = assembly.check(mend=True)
            else:
                surveys[name] = assembly.check(mend=False) if check else assembly.dry_run(context.clock())
    return surveys


def find_late_writers(context: Context, table: str | None, *, once: bool) -> World:
    """Looks until every index is read-ready, or once. Returns the world then. Raises ToolError, Interrupted."""
    with context.interrupts.caught():
        while True:
            if names := _unready(context, context.read_world(), table):
                # Nobody wants to be told of each look.
                narrowed_run(context, lambda found: found.late_writers_only(names), LateWriters.ACTION, told=False)
            world = context.read_world()
            left = _unready(context, world, table)
            if once or not left:
                return world
            _wait(context, world, left)


def readiness(context: Context, world: World, table: str | None) -> list[tuple[IndexRef, Claim]]:
    """Each index that late writers could leave items out of, of one table or of all."""
    return [
        (found.ref(index), read_ready(found, index, world.live.get(found.name), world.proofs))
        for found, index in _verified(context, world, table)
    ]


def _wait(context: Context, world: World, names: list[str]) -> None:
    """Waits until the next look is due."""
    settings = context.config.settings
    records = [record for name in names if (record := world.proofs.get(LateWritersProof, name)) is not None]
    due = min(next_look(record, settings.late_writers) for record in records)
    began = at_present()
    context.reporter.started(LateWriters(table=context.schema.table(names[0]), settings=settings), 1, 1)
    text = "; ".join(f"{record.subject}: {record.unready}" for record in records)
    while (now := at_present()) < due:
        context.reporter.progress(int((now - began).total_seconds()), int((due - began).total_seconds()), text)
        pause_here(context)


def _unready(context: Context, world: World, only: str | None) -> list[str]:
    """The tables with an index that is verified and not read-ready."""
    return list(dict.fromkeys(ref.table for ref, claim in readiness(context, world, only) if not claim.holds))


def _verified(context: Context, world: World, only: str | None) -> Iterator[tuple[Table, Index]]:
    for table in context.schema:
        for index in table.indexes:
            waits = meets_late_writers(table, index) and is_verified(table, index, world.proofs)
            if only in {None, table.name} and waits:
                yield table, index
