"""How a task answers: what it returns is shown as text or as JSON, and an error as three lines.

A text is made of lines, tables, and words in colour.
"""

from __future__ import annotations

import functools
import inspect
import json as jsons
import sys
import tempfile
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Concatenate, ParamSpec

from invoke.context import Context as Shell
from invoke.exceptions import Exit
from invoke.tasks import Task, task
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from hosting.outputs import tell
from schema.errors import Interrupted, ToolError
from terminal.flags import FLAGS
from terminal.workspace import Workspace, workspace_of

Cell = str | Text
Line = str | Text | Grid
"""A str is written as it is; what has colours or columns is laid out by rich."""


def grid(
    headings: Iterable[str], rows: Iterable[Iterable[Cell]], title: Cell | None = None, right: Collection[str] = ()
) -> Grid:
    """A table in which long texts are folded; the columns named in `right` are aligned to the right."""
    made = Grid(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold", justify="right" if heading in right else "left")
    for row in rows:
        # As Text, for a str would be searched for markup.
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def mark(holds: bool, no: str = "no", style: str = "red") -> Text:
    """A green `ok`, or the word for what does not hold."""
    return Text("ok", "green") if holds else Text(no, style)


def write(lines: Iterable[Line]) -> None:
    """Writes to standard output; tables are as wide as the terminal, or 120 columns in a file or pipe."""
    out = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for line in lines:
        if isinstance(line, str):
            sys.stdout.write(f"{line}\n")
        else:
            out.print(line, soft_wrap=isinstance(line, Text))


def write_to_errors(lines: Iterable[Line]) -> None:
    """Writes what is no result to standard error."""
    console = Console(stderr=True, highlight=False)
    for line in lines:
        console.print(line, markup=False, soft_wrap=not isinstance(line, Grid))


P = ParamSpec("P")


@dataclass(frozen=True)
class Result(ABC):
    """What a task found or did."""

    @property
    def exit_code(self) -> int:
        """What the task ends with: 0, unless something waits or is wrong."""
        return 0

    def outputs(self) -> dict[str, str | int]:
        """What later steps of a CI job are told besides the exit code, by name."""
        return {}

    def document(self) -> dict[str, Any]:
        """The result for a program, as one JSON document: the fields as they are, unless a result says otherwise."""
        return asdict(self)

    @abstractmethod
    def text(self) -> Iterable[Line]:
        """The result for a person."""


def command(**help: str) -> Callable[[Callable[Concatenate[Shell, P], Result | str | None]], Task[Any]]:
    """Makes a task: the result is shown on standard output, as JSON with --json, and its exit code is the task's.

    A task that only does something returns a sentence, which goes to standard error. A ToolError becomes its three
    lines and its exit code, and any other exception a note where its details are. `help` are the texts of flags that
    only this task has, or that mean something else here.
    """

    def make(body: Callable[Concatenate[Shell, P], Result | str | None]) -> Task[Any]:
        @functools.wraps(body)
        def run(shell: Shell, *args: P.args, **kwargs: P.kwargs) -> None:
            json = bool(kwargs.get("json"))
            try:
                result = body(shell, *args, **kwargs)
                if isinstance(result, str):
                    say(result)
                elif result is not None:
                    tell(result.outputs())
                    _show(result, json=json)
                    if result.exit_code:
                        raise Exit(code=result.exit_code)
            except ToolError as error:
                raise _shown(_masked(shell, error), json=json) from None
            except KeyboardInterrupt:
                stopped = Interrupted("Interrupted.", "What is done is recorded.", "To go on, repeat the command.")
                raise _shown(stopped, json=json) from None
            except Exit:
                raise
            except Exception as error:  # noqa: BLE001  # a user must never meet a traceback
                raise _shown(_masked(shell, unexpected(shell, error)), json=json) from None

        flags = inspect.signature(body).parameters
        texts = {name: text for name, text in {**FLAGS, **help}.items() if name in flags}
        made: Task[Any] = task(help=texts)(run)
        return made

    return make


def unexpected(shell: Shell, error: Exception) -> ToolError:
    """What a person is told of an error that is no ToolError, while it is handled: its details are kept in a file."""
    return ToolError(
        f"Unexpected: {type(error).__name__}: {error}",
        _write_details(workspace_of(shell)),
        "What is done is recorded; repeating the command goes on from there.",
    )


def _masked(shell: Shell, error: ToolError) -> ToolError:
    """The error without secrets of the stack: it may quote what AWS or Pulumi said."""
    hide = workspace_of(shell).masked
    return type(error)(hide(error.what), hide(error.why), hide(error.next))


def _shown(error: ToolError, *, json: bool) -> Exit:
    show_error(error, json=json)
    return Exit(code=error.exit_code)


def say(line: str) -> None:
    """Tells a person something that is no result, on standard error."""
    sys.stderr.write(f"{line}\n")


def show_error(error: ToolError, *, json: bool) -> None:
    """Writes the error to standard error, a line each for what, why and what next; with `json` also a document."""
    if json:
        _print_json({"error": {"what": error.what, "why": error.why, "next": error.next, "code": error.exit_code}})
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # Whatever is quoted in it, each part is one line.
    what, why, then = (" ".join(text.split()) for text in (error.what, error.why, error.next))
    console.print(what, style="bold red", markup=False)
    for line in (why, then):
        if line:
            console.print(line, markup=False)


def _show(result: Result, *, json: bool) -> None:
    if json:
        _print_json(result.document())
    else:
        write(result.text())


def _print_json(document: dict[str, Any]) -> None:
    jsons.dump(document, sys.stdout, indent=2, default=_jsonable, ensure_ascii=False)
    sys.stdout.write("\n")


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _write_details(workspace: Workspace) -> str:
    """Keeps the details of the exception that is being handled, and says where they are."""
    details = workspace.masked(traceback.format_exc())
    directory = workspace.directory
    path = directory / ".local" / "error.log"
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.write_text(details, encoding="utf-8")
        return f"The details are in {path.relative_to(directory)}."
    with suppress(OSError), tempfile.NamedTemporaryFile("w", prefix="error-", suffix=".log", delete=False) as file:
        file.write(details)
        return f"The details are in {file.name}."
    return "The details are lost: no file can be written."
