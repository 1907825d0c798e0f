"""Tasks that stop what runs on a stack, and let it go on."""

from __future__ import annotations

from invoke.context import Context as Shell

from terminal.flags import confirm, pace
from terminal.reporting import Result, command
from terminal.tasks.change import migrated


@command()
def pause(shell: Shell, stack: str = "local") -> str:
    """Stop what runs on the stack, on any machine: a backfill within 2 s, a run before its next step."""
    from migration.run import requests
    from terminal.session import open_session

    with open_session(shell, stack) as context:
        requests.pause(context)
    return f"Stack {stack} is paused. To go on: ./invoke resume --stack {stack}"


@command()
def resume(shell: Shell, stack: str = "local", rate: int = 0, workers: int = 0, json: bool = False) -> Result:
    """End a pause, and go on with the migration."""
    from migration.run import requests
    from terminal.session import open_session

    # Before the pause is ended: the run that follows must not be refused.
    paced = pace(rate, workers)
    with open_session(shell, stack, json=True) as context:
        requests.resume(context)
    return migrated(shell, stack, None, None, paced, json=json)


@command()
def unlock(shell: Shell, stack: str = "local", yes: bool = False) -> str:
    """Take the lease from a dead run before it expires. A run that lives stops before its next write."""
    from migration.run import requests
    from terminal.session import open_session

    with open_session(shell, stack) as context:
        holder = requests.lease_holder(context)
        if holder is None:
            return f"No run holds stack {stack}."
        why = f"Stack {stack} is held by {holder}."
        confirm(f"Break the lease of {holder}, on stack {stack}?", yes=yes, why=why)
        requests.unlock(context, holder)
    return f"The lease of {holder} is broken. To go on, run: ./invoke migrate --stack {stack}"


TASKS = (pause, resume, unlock)
