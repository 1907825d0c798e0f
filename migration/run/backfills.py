"""The backfills of a stack alone: filling items, or only looking at them."""

from __future__ import annotations

from backfills.run.survey import Survey
from migration.run.runner import Summary, narrowed_run, plan_of
from migration.session.context import Context
from migration.steps.items.backfill import BackfillTable
from migration.steps.items.working import backfilled_tables, check_values, dry_run


def fill(context: Context, table: str | None) -> Summary:
    """Runs the backfills that are not proven, with the backups that go before them. Raises ToolError."""
    if table is not None:
        backfilled_tables(context, context.read_world(), table)
    summary = narrowed_run(context, lambda found: found.backfills_only(table), "backfill")
    summary.narrowed_to = table
    return summary


def survey(context: Context, table: str | None, *, check: bool, mend: bool) -> dict[str, Survey]:
    """A dry run, or a check, of one table's backfill or of all, by table. Raises ToolError."""
    world = context.read_world()
    names = backfilled_tables(context, world, table)
    # A count would mislead where no backfill may touch the table.
    plan_of(context, world)
    surveys: dict[str, Survey] = {}
    for number, name in enumerate(names, 1):
        context.reporter.started(BackfillTable(table=context.schema.table(name)), number, len(names))
        if check:
            surveys[name] = check_values(context, world, name, mend=mend)
        else:
            surveys[name] = dry_run(context, world, name)
    return surveys
