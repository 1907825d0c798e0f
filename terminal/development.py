"""The tasks for working on the project itself: tests, style and types, aws plugins."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from invoke.context import Context as Shell
from invoke.exceptions import Exit
from invoke.tasks import task

from stack.errors import UsageError
from terminal.main import reported


@task(
    help={
        "only": "a path or a pytest selection, such as tests/unit",
        "faults": "the whole fault suite, about half an hour: a migration killed at more than a hundred moments",
    }
)
@reported
def test(shell: Shell, only: str = "", faults: bool = False) -> None:
    """Run the tests."""
    try:
        chosen = shlex.split(only)
    except ValueError as error:
        raise UsageError(f"--only can not be read: {error}.", "", 'Run: ./invoke test --only "tests/unit"') from None
    pytest = (sys.executable, "-m", "pytest")
    if chosen:
        _run(shell, *pytest, *chosen)
    elif faults:
        _run(shell, *pytest, "tests/faults", "-m", "faults", "-v", "-s")
    else:
        # One more than processors: a third of their time, tests wait.
        workers = str(min((os.cpu_count() or 2) + 1, 4))
        side_by_side = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
        _run(shell, *pytest, *side_by_side, "-m", "not faults and not timed")
        _run(shell, *pytest, "-m", "timed")


@task(
    help={
        "plugin": "a real pulumi-resource-aws (its path); without it the stand-in is compared",
        "record": "record anew what that plugin does",
    }
)
@reported
def conformance(shell: Shell, plugin: str = "", record: bool = False) -> None:
    """Compare an aws plugin with what the real one was recorded to do."""
    if record and not plugin:
        raise UsageError("--record needs --plugin.", "The stand-in is held to the real plugin.", "Add --plugin PATH.")
    if plugin and not (Path(plugin).is_file() and os.access(plugin, os.X_OK)):
        raise UsageError(f"{plugin} is no program.", "It has to be a pulumi-resource-aws.", "Give its path.")
    if record:
        _run(shell, sys.executable, "-m", "tests.conformance.record", plugin)
    else:
        os.environ["SITELOGIX_AWS_PLUGIN"] = plugin
        _run(shell, sys.executable, "-m", "pytest", "tests/conformance")


@task
@reported
def lint(shell: Shell) -> None:
    """Check style, types, and the licences of all dependencies."""
    _run(shell, sys.executable, "-m", "ruff", "check", ".")
    _run(shell, sys.executable, "-m", "ruff", "format", "--check", ".")
    _run(shell, sys.executable, "-m", "mypy")
    _run(shell, sys.executable, "-m", "piplicenses", "--summary")


def _run(shell: Shell, *command: str) -> None:
    result = shell.run(shlex.join(command), pty=sys.stdout.isatty(), warn=True)
    if result is not None and result.exited:
        raise Exit(code=result.exited)
