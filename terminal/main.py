"""The invoke program with this project's exit codes, and errors as three lines instead of a traceback."""

from __future__ import annotations

import functools
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec

from invoke.exceptions import Exit, ParseError
from rich.console import Console

from stack.errors import ToolError, UsageError
from terminal.document import print_json
from terminal.task_list import TaskList

CHECKOUT = Path(__file__).resolve().parent.parent
P = ParamSpec("P")


class Invoke(TaskList):
    """Invoke, but a usage error exits with 2 and says what to run: every other code has a meaning of its own."""

    def parse_core(self, argv: list[str] | None) -> None:
        _usage_errors(super().parse_core)(argv)

    def load_collection(self) -> None:
        from terminal.schema_file import check_schema

        _usage_errors(check_schema)()
        _usage_errors(super().load_collection)()

    def parse_tasks(self) -> None:
        _usage_errors(super().parse_tasks)()

    def parse_cleanup(self) -> None:
        _usage_errors(super().parse_cleanup)()


def reported(task: Callable[P, None]) -> Callable[P, None]:
    """Wraps a task: a ToolError becomes its three lines and exit code; anything else a note where its details are."""

    @functools.wraps(task)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        json = bool(kwargs.get("json"))
        try:
            task(*args, **kwargs)
        except ToolError as error:
            _show(error, json=json)
            raise Exit(code=error.exit_code) from None
        except KeyboardInterrupt:
            _show(ToolError("Interrupted.", "What is done is recorded.", "To go on, repeat the command."), json=json)
            raise Exit(code=130) from None
        except Exit:
            raise
        except Exception as error:  # noqa: BLE001  # a user must never meet a traceback
            _show(
                ToolError(
                    f"Unexpected: {type(error).__name__}: {error}",
                    f"The details are in {_write_details()}.",
                    "What is done is recorded; repeating the command goes on from there.",
                ),
                json=json,
            )
            raise Exit(code=1) from None

    return run


def _usage_errors(parse: Callable[..., None]) -> Callable[..., None]:
    def run(*args: Any) -> None:
        try:
            parse(*args)
        except UsageError as error:
            shown = error
        except (ParseError, ValueError) as error:
            what = re.sub(r"<Argument: (\S+)[^>]*>", r"--\1", str(error))
            # That of a flag which wants a number: invoke does not say of which.
            what = re.sub(r"invalid literal for int.*?: (.*)", r"\1 is no whole number.", what)
            shown = UsageError(what, "", "Run: ./invoke --list, or ./invoke --help TASK")
        except Exit as error:
            if not error.message:
                raise
            shown = UsageError(error.message, "", "Run: ./invoke --list")
        else:
            return
        _show(shown, json="--json" in sys.argv)
        raise Exit(code=UsageError.exit_code)

    return run


def _show(error: ToolError, *, json: bool = False) -> None:
    if json:
        print_json({"error": {"what": error.what, "why": error.why, "next": error.next, "code": error.exit_code}})
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # A line each, whatever is quoted in them.
    what, why, then = (" ".join(text.split()) for text in (error.what, error.why, error.next))
    console.print(what, style="bold red", markup=False)
    for line in (why, then):
        if line:
            console.print(line, markup=False)


def _write_details() -> str:
    details = traceback.format_exc()
    path = CHECKOUT / ".local" / "error.log"
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.write_text(details, encoding="utf-8")
        return str(path.relative_to(CHECKOUT))
    with suppress(OSError), tempfile.NamedTemporaryFile("w", prefix="error-", suffix=".log", delete=False) as file:
        file.write(details)
        return file.name
    return "nowhere: no file can be written"
