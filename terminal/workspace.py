"""The project that tasks work on, and its folder: handed in by tasks.py, through the collection's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from invoke.context import Context as Shell

from schema.project import Project
from stack.file.config import StackConfig, load_config

TOOL = Path(__file__).resolve().parents[1]
"""The tool's own folder: its code and .venv. A project's folder may be another one."""


@dataclass(frozen=True)
class Workspace:
    """A project, and the folder that holds its Pulumi.yaml, its stack files and `.local`."""

    project: Project
    directory: Path

    def config(self, stack: str) -> StackConfig:
        """The settings of one stack. Raises UsageError."""
        return load_config(stack, self.directory, self.project)


def workspace_of(shell: Shell) -> Workspace:
    """The workspace that the collection of a task was made for."""
    found: Workspace = shell.config.keyshift.workspace
    return found
