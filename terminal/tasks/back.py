"""The task that takes something back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from invoke.context import Context as Shell

from terminal.flags import confirm, only, pace
from terminal.reporting import Result, command
from terminal.tasks.rollback_flags import RollbackFlags

if TYPE_CHECKING:
    from migration.session.context import Context

ASKS = "A rollback asks first."


@command(
    backfill="the table whose backfill is taken back",
    table="the table of --index, --from-backup or --to-time",
    index="remove this new index, or build this retired index again if it was removed",
    from_backup="restore --table beside the live one, from this backup: its ARN, or `latest`",
    to_time="restore --table beside the live one, as it was at a time like 2025-11-04T09:30:00Z",
    new_tables="remove the new tables",
    holding_data="with --new-tables: tables that may be removed with their items, separated by commas",
    brown_out="allow reads again of an index whose reads are refused; does not ask",
)
def rollback(
    shell: Shell,
    backfill: str | None = None,
    table: str | None = None,
    index: str | None = None,
    from_backup: str | None = None,
    to_time: str | None = None,
    new_tables: bool = False,
    holding_data: str | None = None,
    brown_out: bool = False,
    stack: str = "local",
    yes: bool = False,
    rate: int = 0,
    workers: int = 0,
    json: bool = False,
) -> Result:
    """Take something back, or restore a table beside the live one. Says what it will do, and asks first."""
    from terminal.session import open_session

    flags = RollbackFlags(table, index, backfill, from_backup, to_time, new_tables, holding_data, brown_out)
    paced = pace(rate, workers)
    flags.check(paced=bool(rate or workers))
    only(shell, table if backfill is None else backfill, index)
    with open_session(shell, stack, json=json, **paced) as context:
        return _roll_back(context, flags, yes=yes)


def _roll_back(context: Context, flags: RollbackFlags, *, yes: bool) -> Result:
    from migration.session.brown_out import end_brown_outs
    from terminal.results.rollback import BrownOutResult

    stack = context.config.stack
    if flags.brown_out:
        return BrownOutResult(stack, end_brown_outs(context))
    context.refuse_others_tables(context.ledger.proofs())
    says, do = _proposal(context, flags)
    for line in says:
        context.reporter.noted(line)
    added = f"Remove what the backfill of {flags.backfill} added" if flags.backfill else "Do that"
    confirm(f"{added} on stack {stack}?", yes=yes, why=ASKS)
    return do()


def _proposal(context: Context, flags: RollbackFlags) -> tuple[tuple[str, ...], Callable[[], Result]]:
    """What the rollback would do, a line each, and the doing of it. Raises ToolError."""
    from migration.rollback.backfill import backfill_rollback
    from migration.rollback.index import index_rollback
    from migration.rollback.restoring import restoration
    from migration.rollback.tables import tables_rollback
    from migration.steps.tables.restore import at_time, from_backup
    from terminal.results.rollback import RestoredResult, RolledBackResult, UndoneResult

    stack, table, backfilled, kept = context.config.stack, str(flags.table), flags.backfill, flags.from_backup
    if backfilled is not None:
        undoing = backfill_rollback(context, backfilled)
        return undoing.says, lambda: UndoneResult(stack, backfilled, undoing.do())
    if flags.index is not None or flags.new_tables:
        removal = (
            index_rollback(context, table, flags.index)
            if flags.index is not None
            else tables_rollback(context, flags.tables_holding_data)
        )
        return removal.says, lambda: RolledBackResult(stack, removal.do())
    source = from_backup(context, table, kept) if kept is not None else at_time(context, table, flags.time)
    restoring = restoration(context, table, source)
    return restoring.says, lambda: RestoredResult(stack, restoring.do())


TASKS = (rollback,)
