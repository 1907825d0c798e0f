"""Tasks that bring what one stack has proven to another one."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context as Shell

from stack.file.names import stack_name
from terminal.flags import confirm, duration
from terminal.reporting import Result, command, write_to_errors
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


@command(
    from_="the stack that was attested, as the stack file of --to names it",
    to="the stack that is migrated",
    for_="how long to watch the stack afterwards, such as 4h, which is usual",
    no_watch="only say how to watch it: a job of its own may do that",
)
def promote(
    shell: Shell,
    from_: str = "staging",
    to: str = "prod",
    attestation: str | None = None,
    yes: bool = False,
    for_: str = "4h",
    no_watch: bool = False,
    json: bool = False,
) -> Result:
    """Migrate a stack by what another one has attested: shows what changes, asks, migrates and watches."""
    from migration.promotion.promoting import promotion
    from migration.run.runner import migrate
    from migration.watching.watch import watch
    from terminal.results.observed import WatchResult
    from terminal.results.plan import RunResult
    from terminal.results.promotion import PromotedResult, proposed
    from terminal.session import open_session

    seconds, file = duration("--for", for_), Path(attestation) if attestation else None
    with open_session(shell, to, json=json) as context:
        found = promotion(context, stack_name(from_), file)
        write_to_errors(proposed(found))
        if found.change.steps:
            confirm(f"Migrate stack {to} by what stack {from_} has attested?", yes=yes, why="A promotion asks first.")
        summary = migrate(context, attestation=file)
        run = RunResult(to, context.schema, summary)
        if no_watch or summary.run is None or not context.config.is_monitored:
            return PromotedResult(from_, to, found, run, None)
        return PromotedResult(from_, to, found, run, WatchResult(to, watch(context, seconds, lambda watched: None)))


TASKS = (check, attest, promote)
