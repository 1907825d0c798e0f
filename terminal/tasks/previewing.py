"""The change document of a stack, as a task makes it: whatever goes wrong on the way stands in the document, too."""

from __future__ import annotations

import json as jsons
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke.context import Context as Shell

from migration.change.document import Change, LintFinding
from migration.change.linted import lint_of
from migration.change.making import change_of, refused
from schema.errors import Interrupted, ToolError, UsageError
from terminal.reporting import show_error, unexpected
from terminal.results.change import ChangeResult, keep
from terminal.session import open_session
from terminal.workspace import Workspace, workspace_of


@dataclass(frozen=True)
class Wanted:
    """The flags of `preview`."""

    markdown: bool
    out: str | None
    base: str | None
    expect_no_change: bool
    json: bool


def previewed(shell: Shell, stack: str, wanted: Wanted) -> ChangeResult:
    """The change document of the stack, kept in the folder that is named for it. An error is shown, and is part of the
    document. Raises UsageError for flags that exclude each other; ToolError where no form of the document is asked for.
    """
    if wanted.markdown and wanted.json:
        raise UsageError("--markdown and --json exclude each other.", "Each is a form of one answer.", "Use --out.")
    asked = wanted.markdown or wanted.json or wanted.out is not None
    workspace = workspace_of(shell)
    try:
        with open_session(shell, stack, json=wanted.json, linted=True) as context:
            change = change_of(context, wanted.base)
    except Interrupted:
        raise
    except ToolError as error:
        if not asked:
            raise
        change = refused(stack, workspace.directory, error, _lint(workspace, stack))
    except Exception as error:  # a pull request must show it
        if not asked:
            raise
        change = refused(stack, workspace.directory, unexpected(shell, error))
    change = masked(change, workspace.masked)
    if wanted.out is not None:
        keep(change, wanted.out)
    if change.error is not None:
        show_error(ToolError(change.error.what, change.error.why, change.error.next), json=False)
    return ChangeResult(change, markdown=wanted.markdown, expect_no_change=wanted.expect_no_change)


def _lint(workspace: Workspace, stack: str) -> tuple[LintFinding, ...]:
    """What the lint finds, as far as it can be asked after an error."""
    with suppress(ToolError):
        return lint_of(workspace.project, workspace.config(stack))
    return ()


def masked(change: Change, hide: Callable[[str], str]) -> Change:
    """The change without secrets of the stack, in whatever text of it they stand."""

    def hidden(value: Any) -> Any:
        if isinstance(value, str):
            return hide(value)
        if isinstance(value, list):
            return [hidden(each) for each in value]
        return {name: hidden(each) for name, each in value.items()} if isinstance(value, dict) else value

    return Change.model_validate_json(jsons.dumps(hidden(change.document())))


def keep_refusal(arguments: Sequence[str], directory: Path, error: ToolError) -> None:
    """Keeps the document of an error that came before any task could be run, such as a fault in the schema: where
    these arguments of `./invoke preview` name a folder for it. Raises UsageError."""
    out, stack = (_value(arguments, flag) for flag in ("--out", "--stack"))
    if out:
        keep(refused(stack or "local", directory, error), out)


def _value(arguments: Sequence[str], flag: str) -> str | None:
    for number, argument in enumerate(arguments):
        if argument == flag:
            return next(iter(arguments[number + 1 :]), None)
        if argument.startswith(f"{flag}="):
            return argument.removeprefix(f"{flag}=")
    return None
