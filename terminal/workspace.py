"""The project that tasks work on, and its folder: handed in by tasks.py, through the collection's configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from invoke.context import Context as Shell

from local.passphrase import PASSPHRASE
from schema.errors import UsageError
from schema.project import Project
from stack.file.config import StackConfig, load_config, masked
from stack.file.names import is_local

TOOL = Path(__file__).resolve().parents[1]
"""The tool's own folder: its code and .venv. A project's folder may be another one."""


@dataclass(frozen=True)
class Workspace:
    """A project, and the folder that holds its Pulumi.yaml, its stack files and `.local`."""

    project: Project
    directory: Path
    secrets: set[str] = field(default_factory=set, repr=False)

    def masked(self, text: str) -> str:
        """The text without the secrets of the stacks whose settings were read."""
        return masked(text, self.secrets)

    def config(self, stack: str) -> StackConfig:
        """The settings of one stack, resolved by Pulumi. The variables that its ESC environments set are set in this
        process, as Pulumi sets them in its own. Raises UsageError."""
        try:
            config = load_config(stack, self.directory, self.project, told(stack))
        except UsageError:
            # It may be the engine that fails, and that has a better advice.
            from migration.session.engine import check_engine

            check_engine()
            raise
        self.secrets.update(config.secrets)
        os.environ.update(config.variables)
        return config


def told(stack: str) -> dict[str, str]:
    """What the Pulumi CLI is told of a stack before its settings are known: the passphrase of a local stack."""
    return {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE} if is_local(stack) else {}


def workspace_of(shell: Shell) -> Workspace:
    """The workspace that the collection of a task was made for."""
    found: Workspace = shell.config.keyshift.workspace
    return found
