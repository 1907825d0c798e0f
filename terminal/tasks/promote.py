"""Tasks that bring what one stack has proven to another one."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context as Shell

from terminal.reporting import Result, command
from terminal.workspace import workspace_of


@command(name="run this check only, by its name in the stack file")
def check(shell: Shell, stack: str = "local", name: str | None = None, json: bool = False) -> Result:
    """Run the application's checks, and keep how they ended. Exit code 5 if one fails."""
    from migration.promotion.checking import run_checks
    from terminal.results.promotion import ChecksRunResult
    from terminal.session import environment, open_session

    project = workspace_of(shell).project
    with open_session(shell, stack, json=json) as context:
        return ChecksRunResult(stack, run_checks(context, name, environment(context.config, project)))


@command(out="also write the attestation into this file, for a stack that cannot read the ledger")
def attest(shell: Shell, stack: str = "local", out: str | None = None, json: bool = False) -> Result:
    """Attest that the stack is sound, so that another may follow. Exit code 3 while the bake time runs."""
    from migration.promotion.attesting import attest as judge
    from terminal.results.promotion import AttestResult
    from terminal.session import open_session

    with open_session(shell, stack, json=json) as context:
        attested = judge(context, Path(out) if out else None)
        return AttestResult(stack, attested, context.config.setting("promotesFrom"))


TASKS = (check, attest)
