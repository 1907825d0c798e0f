"""What a task tells the steps of its CI job that come after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

EXIT_CODE = "exit-code"
"""The output that every task has."""


def tell(facts: Mapping[str, str | int], environment: Mapping[str, str] = os.environ) -> None:
    """Adds `name=value` lines to the file that GITHUB_OUTPUT names; nothing where there is none.

    GitHub shows later steps whether a step failed, but not with which exit code. A shell around the task could tell it,
    but then the runner's signals would reach only that shell. What cannot be written is said and ends nothing: a later
    step that finds no exit code takes it for a failure.
    """
    name = environment.get("GITHUB_OUTPUT")
    if not name:
        return
    lines = [f"{key}={' '.join(str(value).split())}\n" for key, value in facts.items()]
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        sys.stderr.write(f"The job is told nothing of this task: {error}.\n")
