"""The invoke program: it finds the project's tasks.py, lists the tasks by what a person wants to do, and shows a usage
error, or a mistake in the project's files, as three lines."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from invoke.config import Config
from invoke.exceptions import Exit, ParseError
from invoke.program import Program
from invoke.util import helpline

from hosting.outputs import EXIT_CODE, tell
from schema.errors import ToolError, UsageError
from terminal.reporting import show_error
from terminal.workspace import TOOL

GROUPS = {
    "Look": ("status", "plan", "gate", "verify", "history", "preview", "schema.lint", "env"),
    "Change": ("migrate", "backfill", "late-writers", "capacity", "approve"),
    "Promote": ("check", "attest", "promote"),
    "Observe": ("watch", "loadtest"),
    "Go back": ("rollback",),
    "Stop and go on": ("pause", "resume", "unlock"),
    "Set up": ("stack.init",),
    "Tell GitHub": ("github.comment", "github.conclude"),
    "Local stack": ("local.up", "local.down", "local.reset"),
    "Work on the project": ("test", "lint", "conformance", "bench"),
}
"""Each task of tasks.py in one group, in the order in which they are shown."""
OTHERS = "Others"
"""The group of tasks that GROUPS does not name, such as those that another project adds."""
PROJECT_FOLDER = Path(os.environ.get("KEYSHIFT_PROJECT") or TOOL).resolve()
"""The folder of the project's tasks.py, Pulumi.yaml, stack files and `.local`; by default the tool's own."""
PREVIEW = "preview"
_READERS = {"schema", ".venv"}
"""Folders of the tool whose code a project calls: what is raised there is a mistake of the file that called it."""
_TOOL = {
    "backfills",
    "benchmarks",
    "components",
    "dynamo",
    "hosting",
    "loadtest",
    "local",
    "migration",
    "stack",
    "terminal",
}
"""Its other folders: what is raised there is no mistake of the project."""


def main() -> None:
    """Runs the task that the command line names, and tells the job that it runs in, if any, with which exit code."""
    code: object = ToolError.exit_code
    try:
        Invoke(name="./invoke", binary="./invoke").run()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
        raise
    finally:
        tell({EXIT_CODE: code if isinstance(code, int) else ToolError.exit_code})


class TaskList(Program):
    """An invoke program that lists its tasks in groups."""

    def list_flat(self) -> None:
        """Prints the groups; what is asked of a part of the tasks (`--list local`, `--list-depth`) is not grouped."""
        if self.list_root or self.list_depth:
            super().list_flat()
            return
        names = self.collection.task_names
        width = max(map(len, names))
        for title, members in grouped(names).items():
            print(f"{title}:")
            self.print_columns([(name.ljust(width), helpline(self.collection[name])) for name in members])

    def print_help(self) -> None:
        """Prints invoke's own options, then the tasks."""
        super().print_help()
        # Invoke answers a bare --help before it reads the tasks.
        self.load_collection()
        self._list_everything()

    def no_tasks_given(self) -> None:
        print(f"Usage: {self.binary} TASK [--option ...]\n")
        self._list_everything()
        print(f"{self.binary} --help TASK shows the options of a task.")
        raise Exit

    def _list_everything(self) -> None:
        self.list_root = self.list_depth = None
        self.list_flat()


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """The tasks by group, each in its place; without the groups that have none."""
    rest = sorted(names)
    groups: dict[str, list[str]] = {}
    for title, members in GROUPS.items():
        groups[title] = [name for name in members if name in rest]
        rest = [name for name in rest if name not in members]
    groups[OTHERS] = rest
    return {title: members for title, members in groups.items() if members}


class Invoke(TaskList):
    """Invoke, but a usage error exits with 2 and says what to run: every other code has a meaning of its own."""

    def create_config(self) -> None:
        self.config = Config(overrides={"tasks": {"search_root": str(PROJECT_FOLDER)}})

    def parse_core(self, argv: list[str] | None) -> None:
        _usage_errors(super().parse_core)(argv)

    def load_collection(self) -> None:
        _usage_errors(self._load_collection)()

    def _load_collection(self) -> None:
        with in_project(PROJECT_FOLDER):
            super().load_collection()

    def parse_tasks(self) -> None:
        _usage_errors(super().parse_tasks)()

    def parse_cleanup(self) -> None:
        _usage_errors(super().parse_cleanup)()


def _usage_errors(parse: Callable[..., None]) -> Callable[..., None]:
    def run(*args: Any) -> None:
        try:
            parse(*args)
        except UsageError as error:
            shown = error
        except (ParseError, ValueError) as error:
            what = re.sub(r"<Argument: (\S+)[^>]*>", r"--\1", str(error))
            # Invoke does not say which flag wants a number.
            what = re.sub(r"invalid literal for int.*?: (.*)", r"\1 is no whole number.", what)
            shown = UsageError(what, "", "Run: ./invoke --list, or ./invoke --help TASK")
        except Exit as error:
            if not error.message:
                raise
            shown = UsageError(error.message, "", "Run: ./invoke --list")
        else:
            return
        show_error(shown, json="--json" in sys.argv)
        _keep_refusal(shown)
        raise Exit(code=UsageError.exit_code)

    return run


def _keep_refusal(error: UsageError) -> None:
    """A pull request has to show this error, too, where its preview was to be kept."""
    if PREVIEW in sys.argv:
        from terminal.tasks.previewing import keep_refusal

        with suppress(UsageError):
            keep_refusal(sys.argv, PROJECT_FOLDER, error)


@contextmanager
def in_project(directory: Path) -> Iterator[None]:
    """Turns whatever is raised by the project's own files into a UsageError that names the file and the line."""
    try:
        yield
    except (Exit, ToolError):
        raise
    except Exception as error:
        where = _where(error, directory)
        if where is None:
            raise
        file, line = where
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(
            f"The schema is wrong: {message}.",
            f"{type(error).__name__} in {file}{f', line {line}' if line else ''}.",
            f"Correct {file} and run again.",
        ) from None


def _where(error: Exception, directory: Path) -> tuple[Path, int | None] | None:
    """The project's file that is wrong, and its line if one is known; None for an error that is not the project's."""
    found = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        found.append((error.filename, error.lineno))
    elif isinstance(error, ImportError) and error.path:
        found.append((error.path, None))
    for name, line in reversed(found):
        for folder in (directory, TOOL):
            file = Path(name).relative_to(folder) if Path(name).is_relative_to(folder) else None
            if file is not None and file.parts[0] not in _READERS:
                return (file, line) if folder == directory and file.parts[0] not in _TOOL else None
    return None
