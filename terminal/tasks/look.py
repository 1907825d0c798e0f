"""Tasks that look at a stack and change nothing."""

from __future__ import annotations

from invoke.context import Context as Shell

from terminal.flags import at_least_one, only
from terminal.reporting import Result, command
from terminal.workspace import workspace_of


@command()
def plan(
    shell: Shell, stack: str = "local", table: str | None = None, index: str | None = None, json: bool = False
) -> Result:
    """Show the steps that migrate would do, and why."""
    from migration.run.runner import plan_of
    from stack.lint.linting import findings
    from terminal.results.plan import PlanResult
    from terminal.session import open_session

    chosen = only(shell, table, index)
    with open_session(shell, stack, json=json) as context:
        world = context.surrounded(context.read_world())
        left = plan_of(context, world).narrowed(*chosen)
        return PlanResult(stack, left, findings(workspace_of(shell).project, context.config))


@command()
def status(shell: Shell, stack: str = "local", json: bool = False) -> Result:
    """Show every table and index with one word for its state, and who is at work."""
    from migration.plan.findings import not_known
    from migration.run.requests import activity
    from migration.run.status import status as states
    from terminal.results.status import StatusResult
    from terminal.session import open_session

    with open_session(shell, stack, json=json) as context:
        world = context.surrounded(context.read_world())
        found = states(context.schema, context.config.settings, world)
        return StatusResult(stack, **activity(context), states=found, not_known=list(not_known(world)))


@command()
def gate(
    shell: Shell, stack: str = "local", table: str | None = None, index: str | None = None, json: bool = False
) -> Result:
    """Show what must hold before a retired index is removed. Exit code 3 if something does not."""
    from migration.run.status import gates
    from terminal.results.claims import GatesResult
    from terminal.session import open_session

    chosen = only(shell, table, index)
    with open_session(shell, stack, json=json) as context:
        return GatesResult(stack, gates(context, chosen))


@command()
def verify(shell: Shell, stack: str = "local", json: bool = False) -> Result:
    """Compare the whole stack with the schema, down to its items. Exit code 5 if a check fails."""
    from functools import partial

    from migration.checks.verify import verify as checks
    from migration.session.reading import reader_of
    from terminal.results.claims import ChecksResult
    from terminal.session import open_session

    with open_session(shell, stack, json=json) as context:
        settings, world = context.config.settings, context.read_world()
        found = checks(partial(reader_of, context, pausable=False), context.schema, settings, world, context.reporter)
        return ChecksResult(stack, found, context.schema.notes)


@command(
    markdown="print the comment for a pull request",
    out="also write change.md and change.json into this folder, for a refused change too",
    expect_no_change="end with exit code 5 if Pulumi would change anything",
    base="the commit with whose stack file the approvals are compared; without it the main branch",
    json="print the change document",
)
def preview(
    shell: Shell,
    stack: str = "local",
    markdown: bool = False,
    out: str | None = None,
    base: str | None = None,
    expect_no_change: bool = False,
    json: bool = False,
) -> Result:
    """Show what a change does to the stack, for a pull request. Exit code 3 if it waits, 4 if it is refused."""
    from terminal.tasks.previewing import Wanted, previewed

    wanted = Wanted(markdown=markdown, out=out, base=base, expect_no_change=expect_no_change, json=json)
    return previewed(shell, stack, wanted)


@command(limit="how many runs and requests to show, newest first", run="show the steps of the run with this id instead")
def history(shell: Shell, stack: str = "local", limit: int = 20, run: str | None = None, json: bool = False) -> Result:
    """Show what was done to the stack, by whom, and when."""
    from migration.run.requests import history as events
    from migration.run.requests import steps
    from terminal.results.status import HistoryResult, StepsResult
    from terminal.session import open_session

    at_least_one("--limit", limit, "how many runs and requests are shown")
    with open_session(shell, stack, json=json) as context:
        if run is None:
            return HistoryResult(stack, events(context, limit))
        return StepsResult(stack, run, steps(context, run))


TASKS = (plan, status, gate, verify, preview, history)
