"""The invoke program: it finds the project's tasks.py, and shows a usage error as three lines."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke.config import Config
from invoke.exceptions import Exit, ParseError

from schema.errors import UsageError
from terminal.project_file import in_project
from terminal.reporting import show_error
from terminal.task_list import TaskList
from terminal.workspace import TOOL

PROJECT_FOLDER = Path(os.environ.get("KEYSHIFT_PROJECT") or TOOL).resolve()
"""The folder of the project's tasks.py, Pulumi.yaml, stack files and `.local`; by default the tool's own."""


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
        raise Exit(code=UsageError.exit_code)

    return run
