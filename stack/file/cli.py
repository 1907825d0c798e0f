"""Asking the Pulumi CLI. The engine runs migrations; here it only answers questions about a stack's configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from schema.errors import UsageError

HANGS_SECONDS = 300
"""After so long without an answer the CLI is given up: it asks a key service or Pulumi's own, which take a second."""


class CliError(Exception):
    """The CLI failed; the message is what it says of it, in one line."""


def find_cli() -> str:
    """The path of the CLI on PATH. Raises UsageError where there is none."""
    found = shutil.which("pulumi")
    if found is None:
        raise UsageError(
            "The Pulumi engine is missing.", "There is no `pulumi` on PATH.", "Run the tasks through ./invoke."
        )
    return found


def ask(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What the CLI answers on standard output, run in that folder; `environment` is added to the process's own. Raises
    CliError, and UsageError where there is no CLI."""
    told = {**os.environ, **environment, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    # Each question names its stack.
    told.pop("PULUMI_STACK", None)
    command = [find_cli(), *arguments, "--non-interactive", "--color", "never"]
    try:
        answer = subprocess.run(
            command,
            cwd=folder,
            env=told,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANGS_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CliError(str(error)) from None
    if answer.returncode:
        said = " ".join(answer.stderr.split()).removeprefix("error: ").rstrip(".")
        raise CliError(said[-600:] or f"it ended with exit code {answer.returncode}")
    return answer.stdout
