"""Tasks on the schema itself, which ask neither AWS nor Pulumi."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from invoke.context import Context as Shell

from schema.errors import UsageError
from terminal.reporting import Result, command
from terminal.workspace import workspace_of


@command(
    stack="lint this stack only; without it every stack of the project",
    against="compare the schema with that of this commit, such as origin/main, whose own code is run to tell it",
    github="print annotations for GitHub, which shows them at their lines of a pull request",
)
def lint(
    shell: Shell, stack: str | None = None, against: str | None = None, github: bool = False, json: bool = False
) -> Result:
    """Show what can be seen to be wrong or risky in schema and stack files. Exit code 4 for an error."""
    from stack.lint.linting import lint as found
    from terminal.results.lint import LintResult

    if github and json:
        raise UsageError("--github and --json exclude each other.", "Both write standard output.", "Drop one.")
    workspace = workspace_of(shell)
    linted = found(workspace.project, workspace.directory, stack, against)
    return LintResult(linted, _from_the_root(workspace.directory) if github else None)


def _from_the_root(folder: Path) -> PurePosixPath:
    """The project's folder as GitHub names it: from the root of the repository that a job has checked out."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or folder).resolve()
    return PurePosixPath(folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ".")


TASKS = (lint,)
