"""The flags that several tasks have: their help texts, and what is wrong with their values."""

from __future__ import annotations

import re
import sys
from typing import TypedDict

from invoke.context import Context as Shell

from schema.errors import UsageError
from stack.file.names import guess
from terminal.workspace import workspace_of

FLAGS = {
    "stack": "the stack to work on: the name of a file Pulumi.<stack>.yaml, or organization/project/stack",
    "table": "work on this table only",
    "index": "work on this index of --table only",
    "rate": "write units a second for backfills; without it the stack's setting counts",
    "workers": "how many segments of a table a backfill scans at the same time",
    "for_": "stop at a safe point once this time is over, such as 90s, 300m or 4h",
    "no_wait": "start what AWS takes long for, and return: exit code 3",
    "attestation": "the file of the attestation of the stack that is promoted from; by default its ledger is read",
    "yes": "do it without asking",
    "json": "print one JSON document, and the progress of a long task as JSON lines on standard error",
}
"""The help texts of flags that several tasks have."""
MOST_WORKERS = 64
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Pace(TypedDict):
    """How fast backfills write and scan; None stands for the stack's setting."""

    rate: float | None
    workers: int | None


def only(shell: Shell, table: str | None, index: str | None = None) -> tuple[str | None, str | None]:
    """The --table and --index flags. Raises UsageError for names that the schema does not have."""
    schema = workspace_of(shell).project.schema
    if table is None:
        if index is not None:
            raise UsageError("--index needs --table.", "Two tables may have an index of one name.", "Add --table.")
        return None, None
    tables = [known.name for known in schema]
    if table not in tables:
        raise UsageError(
            f"There is no table {table!r} in the schema.", f"There are: {', '.join(tables)}.", guess(table, tables)
        )
    indexes = [known.name for known in schema.table(table).every_index]
    if index is not None and index not in indexes:
        raise UsageError(
            f"Table {table} has no index {index!r}.", f"It has: {', '.join(indexes)}.", guess(index, indexes)
        )
    return table, index


def pace(rate: int, workers: int) -> Pace:
    """The --rate and --workers flags, which are 0 when they are not given. Raises UsageError."""
    if rate < 0 or not 0 <= workers <= MOST_WORKERS:
        raise UsageError(
            f"--rate and --workers are positive; workers are at most {MOST_WORKERS}.",
            "A rate is write units a second; without one the stack's setting counts.",
            "Correct the flag.",
        )
    return {"rate": float(rate) or None, "workers": workers or None}


def duration(flag: str, text: str | None) -> float | None:
    """The seconds of a flag that gives a time; None where it is not given. Raises UsageError for one without a unit."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+)([smh]?)", text)
    if found is None or int(found[1]) == 0:
        raise UsageError(
            f"{flag} {text} is no time.",
            "It is a whole number above 0 with a unit: 90s, 300m, 4h.",
            "Correct the flag.",
        )
    if not found[2]:
        raise UsageError(
            f"{flag} {text} has no unit.",
            "Seconds, minutes or hours are all possible, so the unit is always written.",
            f"Write {text}s, {text}m or {text}h.",
        )
    return float(found[1]) * _SECONDS[found[2]]


def at_least_one(flag: str, value: int, what: str) -> int:
    """The value of a flag that counts something. Raises UsageError for less than one."""
    if value < 1:
        raise UsageError(f"{flag} is at least 1.", f"It is {what}.", "Correct the flag.")
    return value


def survey_flags(*, dry_run: bool, check: bool, mend: bool) -> None:
    """The flags of `backfill` that look instead of filling. Raises UsageError for those that exclude each other."""
    if mend and not check:
        raise UsageError("--mend needs --check.", "It mends what the check finds.", "Add --check.")
    if dry_run and check:
        raise UsageError("--dry-run and --check exclude each other.", "One looks at what is missing.", "Drop one.")


def load_test_flags(rate: int, time: str | None, *, clean: bool) -> float | None:
    """The seconds of a load test, or None for --clean. Raises UsageError for flags that are missing, or exclude each
    other."""
    if clean:
        if rate or time is not None:
            raise UsageError("--clean and --rate or --for exclude each other.", "It sends no load.", "Drop one.")
        return None
    at_least_one("--rate", rate, "requests a second")
    seconds = duration("--for", time)
    if seconds is None:
        raise UsageError("A load test needs --for.", "It costs units for as long as it lasts.", "Add --for 60s.")
    return seconds


def confirm(question: str, *, yes: bool, why: str) -> None:
    """Asks on the terminal, unless --yes was given. Raises UsageError for a no, and where there is no terminal."""
    if yes:
        return
    if sys.stdin.isatty():
        from rich.console import Console
        from rich.prompt import Confirm

        if Confirm.ask(question, default=False, console=Console(stderr=True)):
            return
    raise UsageError("Nothing was changed.", why, "Answer y, or add --yes.")
