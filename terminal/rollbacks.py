"""What `./invoke rollback` asks for, says, and shows when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from backfills.run.undo import Undone
from migration.rollback.comparison import TableComparison
from migration.rollback.indexes import RolledBack, index_rollback
from migration.rollback.restoring import Restored, counted, restoration
from migration.rollback.sources import at_time, from_backup
from migration.rollback.stages import Proposal
from migration.rollback.tables import tables_rollback
from migration.session.brown_out import take_back_all
from migration.session.context import Context
from schema.errors import Refused, UsageError
from terminal.backfilling import take_back
from terminal.output import confirmed, console, grid_of, print_undone

OF_ONE_TABLE = {"--index", "--from-backup", "--to-time"}
KINDS = {
    "index": "--index",
    "from_backup": "--from-backup",
    "to_time": "--to-time",
    "backfill": "--backfill",
    "new_tables": "--new-tables",
    "brown_out": "--brown-out",
}
NEXT_TO_A_RESTORED_TABLE = (
    "A table can not be renamed. Either write its items back to the live one, or point the application at it: "
    "docs/rollback.md says how.",
    "It has no scaling, alarms or readers of a stream; set them up before it is used. Until it is deleted it costs.",
)


@dataclass(frozen=True)
class Asked:
    """The flags that say what is rolled back: `table` is that of --table, `backfill` that of --backfill; False or None
    stands for a flag that was not given."""

    table: str | None = None
    index: str | None = None
    backfill: str | None = None
    from_backup: str | None = None
    to_time: str | None = None
    new_tables: bool = False
    holding_data: str | None = None
    brown_out: bool = False

    @property
    def kind(self) -> str:
        """The one flag that says what kind of rollback it is. Raises UsageError for none, several, or wrong company."""
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
            raise UsageError(
                f"{kind} and --table exclude each other.",
                f"--table goes with {', '.join(sorted(OF_ONE_TABLE))}.",
                "Drop one.",
            )
        if self.holding_data is not None and not self.new_tables:
            raise UsageError("--holding-data needs --new-tables.", "It names new tables.", "Add --new-tables.")
        return kind

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
        if time > datetime.now(UTC):
            raise UsageError(f"--to-time {text!r} is still to come.", "A table has only a past.", "Correct the flag.")
        return time.astimezone(UTC)

    @property
    def held(self) -> list[str]:
        """The tables of --holding-data."""
        return [name.strip() for name in (self.holding_data or "").split(",")] if self.holding_data is not None else []

    def check(self, *, paced: bool) -> None:
        """Raises UsageError for flags that make no sense; `paced` is whether a rate or workers were given."""
        kind = self.kind
        if paced and kind != "--backfill":
            raise UsageError(f"{kind} has no --rate or --workers.", "They pace --backfill.", "Drop them.")
        if kind == "--to-time":
            _ = self.time


@dataclass(frozen=True)
class ReadAgain:
    """A brown-out that was taken back: the `indexes` that may be read again."""

    indexes: tuple[str, ...]


Done = Undone | RolledBack | Restored | ReadAgain


def roll_back(context: Context, asked: Asked, *, yes: bool) -> Done:
    """Says what the rollback will do, asks unless `yes`, and does it. Raises ToolError."""
    stack, kind = context.config.stack, asked.kind
    if kind == "--brown-out":
        return _end_brown_outs(context)
    if kind == "--backfill":
        table = str(asked.backfill)
        _confirm(f"Remove what the backfill of {table} added on stack {stack}?", yes=yes)
        return take_back(context, table)
    context.refuse_others_tables(context.ledger.proofs())
    proposal = _proposal(context, asked, kind)
    for line in proposal.says:
        context.observer.noted(line)
    _confirm(f"Do that on stack {stack}?", yes=yes)
    return proposal.do()


def _end_brown_outs(context: Context) -> ReadAgain:
    """Lets every index be read again, at once and beside the run that refuses it: an application needs it."""
    context.refuse_others_tables(context.ledger.proofs())
    indexes = tuple(take_back_all(context))
    if not indexes:
        raise Refused(
            f"No brown-out is on, on stack {context.config.stack}.",
            "So nothing that we have done refuses reads of an index.",
            f"Run: ./invoke status --stack {context.config.stack}",
        )
    context.history.note("rollback of a brown-out", {"indexes": list(indexes)})
    return ReadAgain(indexes)


def _proposal(context: Context, asked: Asked, kind: str) -> Proposal[RolledBack] | Proposal[Restored]:
    table = str(asked.table)
    proposals: dict[str, Callable[[], Proposal[RolledBack] | Proposal[Restored]]] = {
        "--index": partial(index_rollback, context, table, str(asked.index)),
        "--new-tables": lambda: tables_rollback(context, asked.held),
        "--from-backup": lambda: restoration(context, table, from_backup(context, table, str(asked.from_backup))),
        "--to-time": lambda: restoration(context, table, at_time(context, table, asked.time)),
    }
    return proposals[kind]()


def _confirm(question: str, *, yes: bool) -> None:
    if not yes and not confirmed(question):
        raise UsageError("Nothing was changed.", "A rollback asks first.", "Answer y, or add --yes.")


def rollback_document(stack: str, asked: Asked, done: Done) -> dict[str, Any]:
    """What was done, for `--json`."""
    if isinstance(done, ReadAgain):
        return {"stack": stack, "indexes": list(done.indexes)}
    if isinstance(done, Undone):
        return {"stack": stack, "table": asked.backfill, **asdict(done)}
    if isinstance(done, RolledBack):
        return {"stack": stack, "run": done.run, **done.facts, "ahead": list(done.ahead)}
    return {
        "stack": stack,
        "run": done.run,
        "table": done.table,
        "restored": done.restored,
        "source": done.source,
        "compared": done.compared and _comparison_document(done.compared),
        "definition": [asdict(difference) for difference in done.lacks],
        "next": list(NEXT_TO_A_RESTORED_TABLE),
    }


def _comparison_document(compared: TableComparison) -> dict[str, Any]:
    return {
        **counted(compared),
        "attributes": dict(compared.attributes),
        "examples": {_shown(kind): keys for kind, keys in compared.examples.items()},
    }


def print_rollback(stack: str, asked: Asked, done: Done) -> None:
    """What was done, for a person."""
    out = console()
    if isinstance(done, ReadAgain):
        out.print(f"Reads of {', '.join(done.indexes)} are allowed again. It was not removed.", markup=False)
        out.print("A run that was at work on it ends, with exit code 3.")
    elif isinstance(done, Undone):
        print_undone(stack, str(asked.backfill), done)
    elif isinstance(done, RolledBack):
        out.print(f"{done.did} AWS, Pulumi's state and the plan agree. Run {done.run}.", markup=False)
        for table, arn in done.facts.get("backups", {}).items():
            out.print(f"The backup of {table}: {arn}", markup=False)
        out.print(f"`migrate` would now do: {', '.join(done.ahead) or 'nothing'}.", markup=False)
    else:
        out.print(f"Table {done.restored} is restored from {done.source}. Run {done.run}.", markup=False)
        _print_comparison(done)
        for line in NEXT_TO_A_RESTORED_TABLE:
            out.print(line, markup=False)


def _print_comparison(done: Restored) -> None:
    out, compared = console(), done.compared
    if compared is None:
        out.print(f"There is no live table {done.table} to compare it with.", markup=False)
        return
    out.print(
        f"Beside the live table, as it is now: {compared.equal:,} items are equal, {compared.different:,} differ, "
        f"{compared.only_first:,} are only in the restored one, {compared.only_second:,} only in the live one.",
        markup=False,
    )
    for name, items in compared.attributes.most_common():
        out.print(f"  {name} differs in {items:,}", markup=False)
    for kind, keys in compared.examples.items():
        for key in keys:
            out.print(f"  {_shown(kind)}: {key}", markup=False)
    if done.lacks:
        grid = grid_of("the definition", "live", "restored")
        for difference in done.lacks:
            grid.add_row(difference.what, difference.live, difference.restored)
        out.print(grid, markup=False)


def _shown(kind: str) -> str:
    return {"only_first": "only_restored", "only_second": "only_live"}.get(kind, kind)
