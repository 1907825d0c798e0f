"""The task that takes something back, and its flags: which kind of rollback they ask for, and what is wrong there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from invoke.context import Context as Shell

from schema.clock import at_present
from schema.errors import UsageError
from terminal.flags import confirm, only, pace
from terminal.reporting import Result, command

if TYPE_CHECKING:
    from migration.session.context import Context

ASKS = "A rollback asks first."
OF_ONE_TABLE = {"--index", "--from-backup", "--to-time"}
KINDS = {
    "index": "--index",
    "from_backup": "--from-backup",
    "to_time": "--to-time",
    "backfill": "--backfill",
    "new_tables": "--new-tables",
    "brown_out": "--brown-out",
}


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


@dataclass(frozen=True)
class RollbackFlags:
    """The flags that say what is rolled back. False or None stands for a flag that was not given.

    `table` is that of --table; `backfill` is the table of --backfill.
    """

    table: str | None = None
    index: str | None = None
    backfill: str | None = None
    from_backup: str | None = None
    to_time: str | None = None
    new_tables: bool = False
    holding_data: str | None = None
    brown_out: bool = False

    def check(self, *, paced: bool) -> None:
        """Raises UsageError unless the flags ask for one rollback; `paced` is whether a rate or workers were given."""
        given = [flag for name, flag in KINDS.items() if getattr(self, name) not in {None, False}]
        if not given:
            raise UsageError(
                "Nothing to roll back is named.",
                f"There are: {', '.join(KINDS.values())}.",
                "Add one of them; see: ./invoke --help rollback",
            )
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given[:2])} exclude each other.", "One rollback at a time.", "Drop one.")
        (kind,) = given
        if kind in OF_ONE_TABLE and self.table is None:
            raise UsageError(f"{kind} needs --table.", "It is about one table.", "Add --table.")
        if kind not in OF_ONE_TABLE and self.table is not None:
            goes_with = f"--table goes with {', '.join(sorted(OF_ONE_TABLE))}."
            raise UsageError(f"{kind} and --table exclude each other.", goes_with, "Drop one.")
        if self.holding_data is not None and not self.new_tables:
            raise UsageError("--holding-data needs --new-tables.", "It names new tables.", "Add --new-tables.")
        if paced and kind != "--backfill":
            raise UsageError(f"{kind} has no --rate or --workers.", "They pace --backfill.", "Drop them.")
        if self.to_time is not None:
            _ = self.time

    @property
    def time(self) -> datetime:
        """The value of --to-time in UTC. Raises UsageError for what is no time, has no zone, or is still to come."""
        text, example = str(self.to_time), "A time is like 2025-11-04T09:30:00Z, or with another zone than Z."
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(f"--to-time {text!r} is no time.", example, "Correct the flag.") from None
        if time.tzinfo is None:
            raise UsageError(f"--to-time {text!r} has no zone.", example, "Add the zone, such as Z for UTC.")
        if time > at_present():
            raise UsageError(f"--to-time {text!r} is still to come.", "A table has only a past.", "Correct the flag.")
        return time.astimezone(UTC)

    @property
    def tables_holding_data(self) -> list[str]:
        """The tables of --holding-data."""
        return [name.strip() for name in self.holding_data.split(",")] if self.holding_data is not None else []


TASKS = (rollback,)
