"""Tasks for the local stack, and for working on a stack by hand."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from invoke.context import Context as Shell

from stack.file.names import LOCAL
from terminal.reporting import command, say
from terminal.workspace import workspace_of

if TYPE_CHECKING:
    from local.stack import LocalStack


@command()
def env(shell: Shell, stack: str = "local") -> None:
    """Print exports with which pulumi and aws work by hand: eval "$(./invoke env --stack local)"."""
    from terminal.session import environment

    workspace = workspace_of(shell)
    config = workspace.config(stack)
    if config.is_local:
        _local(shell, stack).up()
    for name, value in environment(config, workspace.project).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@command()
def up(shell: Shell) -> str | None:
    """Start the local stack with its pre-migration data, unless it runs."""
    local = _local(shell)
    was_up = local.is_up()
    local.up()
    return "The local stack is up." if was_up else None


@command()
def down(shell: Shell) -> str:
    """Stop the local stack. Its data and its Pulumi state are deleted."""
    return "The local stack is stopped." if _local(shell).down() else "The local stack was not running."


@command()
def reset(shell: Shell) -> None:
    """Stop the local stack, and start it again with its pre-migration data."""
    local = _local(shell)
    local.down()
    local.up()


def _local(shell: Shell, stack: str = LOCAL) -> LocalStack:
    from local.stack import LocalStack

    workspace = workspace_of(shell)
    return LocalStack(workspace.config(stack), workspace.project, say)


TASKS = (up, down, reset)
