"""What `./invoke backfill` and `./invoke rollback --backfill` ask of a stack."""

from __future__ import annotations

from backfills import BACKFILLS
from backfills.run.survey import Survey
from backfills.run.undo import Undone
from migration.run.runner import Summary, run
from migration.session.context import Context
from migration.steps import backfilling
from migration.steps.step import Action, Step
from schema.errors import UsageError
from stack.world.world import World


def fill(context: Context, table: str | None) -> Summary:
    """Runs the backfills that are not proven, with the backups that go before them. Raises ToolError."""
    if table is not None:
        _named(context, context.read_world(), table)
    return run(context, lambda plan: plan.backfills_only(table), "backfill", table)


def look(context: Context, table: str | None, *, check: bool, mend: bool) -> dict[str, Survey]:
    """A dry run, or a check, of one table's backfill or of all, by table. Raises ToolError."""
    world = context.read_world()
    names = _named(context, world, table)
    # What no backfill may touch, a count of it would only mislead.
    context.plan(world)
    surveys: dict[str, Survey] = {}
    for number, name in enumerate(names, 1):
        context.observer.started(Step(Action.BACKFILL, (name,)), number, len(names))
        if check:
            surveys[name] = backfilling.check(context, world, name, mend=mend)
        else:
            surveys[name] = backfilling.dry_run(context, world, name)
    return surveys


def take_back(context: Context, table: str) -> Undone:
    """Rolls a table's backfill back. Raises ToolError."""
    world = context.read_world()
    _named(context, world, table)
    context.refuse_others_tables(world.proofs)
    context.observer.started(Step(Action.BACKFILL, (table,)), 1, 1)
    return backfilling.rollback(context, world, table)


def _named(context: Context, world: World, table: str | None) -> list[str]:
    """The tables that have a backfill and are live. Raises UsageError for another one."""
    names = [name for name in BACKFILLS if name in world.live]
    if table is None:
        return names
    if table not in BACKFILLS:
        raise UsageError(
            f"Table {table} has no backfill.",
            "None of its new indexes needs an attribute that its items lack.",
            f"There are: {', '.join(BACKFILLS)}.",
        )
    if table not in names:
        raise UsageError(
            f"Table {table} is not there.",
            f"AWS has no {context.config.physical_name(table)} in {context.config.region}.",
            f"Run: ./invoke status --stack {context.config.stack}",
        )
    return [table]
