"""The flags of `./invoke rollback`: which kind of rollback they ask for, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from schema.errors import UsageError

OF_ONE_TABLE = {"--index", "--from-backup", "--to-time"}
KINDS = {
    "index": "--index",
    "from_backup": "--from-backup",
    "to_time": "--to-time",
    "backfill": "--backfill",
    "new_tables": "--new-tables",
    "brown_out": "--brown-out",
}


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
        if time > datetime.now(UTC):
            raise UsageError(f"--to-time {text!r} is still to come.", "A table has only a past.", "Correct the flag.")
        return time.astimezone(UTC)

    @property
    def tables_holding_data(self) -> list[str]:
        """The tables of --holding-data."""
        return [name.strip() for name in self.holding_data.split(",")] if self.holding_data is not None else []
