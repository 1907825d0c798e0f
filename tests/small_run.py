"""A run of `migrate` on a small stack as a process of its own, which can be killed: `python -m tests.small_run`.

Arguments: the folder of the stack, its endpoint, its prefix, and its backend. Standard output holds one JSON document.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from migration.run.runner import migrate
from schema.errors import ToolError
from tests.silence import SilentReporter
from tests.stacks import SCHEMA, SmallStack


class Noting(SilentReporter):
    """Keeps what a person should know of."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def noted(self, text: str) -> None:
        self.notes.append(text)


def command(stack: SmallStack) -> list[str]:
    """What runs this program on that stack."""
    arguments = (str(stack.directory), stack.endpoint, stack.prefix, stack.backend)
    return [sys.executable, "-m", "tests.small_run", *arguments]


def main(directory: str, endpoint: str, prefix: str, backend: str) -> None:
    """Migrates, and says what was done."""
    context = SmallStack(Path(directory), endpoint, SCHEMA, prefix, backend=backend).context()
    reporter = context.reporter = Noting()
    try:
        done = migrate(context).done
    except ToolError as error:
        json.dump({"error": [error.what, error.why, error.next], "notes": reporter.notes}, sys.stdout)
        sys.exit(error.exit_code)
    json.dump({"done": [one.step.name for one in done], "notes": reporter.notes}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
