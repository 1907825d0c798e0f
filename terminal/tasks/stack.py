"""The task that sets a stack up."""

from __future__ import annotations

from invoke.context import Context as Shell

from terminal.reporting import Result, command
from terminal.workspace import told, workspace_of


@command()
def init(shell: Shell, stack: str = "local", json: bool = False) -> Result:
    """Set a stack up, once: make it, and write the key of its secrets into its file. Harmless to repeat."""
    from stack.file.initialising import initialise
    from terminal.results.settings import InitialisedResult

    workspace = workspace_of(shell)
    return InitialisedResult(stack, initialise(stack, workspace.directory, workspace.project, told(stack)))


TASKS = (init,)
