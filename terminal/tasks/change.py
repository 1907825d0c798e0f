"""Tasks that bring a stack to its schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context as Shell

from stack.file.names import find_stack_file, stack_name
from terminal.flags import Pace, at_least_one, duration, only, pace, survey_flags
from terminal.reporting import Result, command
from terminal.turn import turn
from terminal.workspace import workspace_of

if TYPE_CHECKING:
    from terminal.results.plan import RunResult


@command()
def migrate(
    shell: Shell,
    stack: str = "local",
    table: str | None = None,
    index: str | None = None,
    rate: int = 0,
    workers: int = 0,
    for_: str | None = None,
    no_wait: bool = False,
    attestation: str | None = None,
    json: bool = False,
) -> Result:
    """Bring the stack to the schema; repeat it to resume. Exit code 3 if something is blocked."""
    chosen, paced, seconds = only(shell, table, index), pace(rate, workers), duration("--for", for_)
    file = Path(attestation) if attestation else None
    return migrated(shell, stack, *chosen, paced, json=json, seconds=seconds, no_wait=no_wait, attestation=file)


def migrated(
    shell: Shell,
    stack: str,
    table: str | None,
    index: str | None,
    paced: Pace,
    *,
    json: bool,
    seconds: float | None = None,
    no_wait: bool = False,
    attestation: Path | None = None,
) -> RunResult:
    """A run of `migrate`, for the task and for `resume`."""
    directory = workspace_of(shell).directory
    find_stack_file(stack, directory)
    with turn(directory, stack_name(stack)) as mine:
        # Only now, so that a run that is refused is refused at once.
        from migration.run.runner import migrate as run
        from terminal.results.plan import RunResult
        from terminal.session import open_session

        with open_session(
            shell, stack, json=json, turn=mine, seconds=seconds, no_wait=no_wait, linted=True, **paced
        ) as context:
            return RunResult(stack, context.schema, run(context, table, index, attestation))


@command(
    dry_run="count the items that would change, show examples, and write nothing",
    check="count filled values that are no longer what their sources give",
    mend="with --check: correct those values",
)
def backfill(
    shell: Shell,
    stack: str = "local",
    table: str | None = None,
    dry_run: bool = False,
    check: bool = False,
    mend: bool = False,
    rate: int = 0,
    workers: int = 0,
    json: bool = False,
) -> Result:
    """Fill the attributes that new indexes need, or only look at them."""
    from migration.run.items import fill, survey
    from terminal.results.plan import RunResult
    from terminal.results.surveys import SurveysResult
    from terminal.session import open_session

    survey_flags(dry_run=dry_run, check=check, mend=mend)
    chosen, _ = only(shell, table)
    with open_session(shell, stack, json=json, **pace(rate, workers)) as context:
        if dry_run or check:
            return SurveysResult(stack, survey(context, chosen, check=check, mend=mend), check)
        return RunResult(stack, context.schema, fill(context, chosen))


@command(once="look once instead of waiting for the next look")
def late_writers(
    shell: Shell, stack: str = "local", table: str | None = None, once: bool = False, json: bool = False
) -> Result:
    """Fill what old code still writes, until the new indexes are read-ready. Exit code 3 if one is not."""
    from migration.run.items import find_late_writers, readiness
    from terminal.results.claims import LateWritersResult
    from terminal.session import open_session

    chosen, _ = only(shell, table)
    with open_session(shell, stack, json=json) as context:
        world = find_late_writers(context, chosen, once=once)
        return LateWritersResult(stack, readiness(context, world, chosen))


@command(
    table="the table of the index",
    index="a new index that is being built",
    write="its write units a second from now on",
)
def capacity(shell: Shell, table: str, index: str, write: int = 0, stack: str = "local", json: bool = False) -> Result:
    """Give an index more write units while it is built, so that it does not throttle its table."""
    from migration.run.requests import raise_capacity
    from terminal.results.settings import CapacityResult
    from terminal.session import open_session

    at_least_one("--write", write, "write units a second")
    only(shell, table, index)
    with open_session(shell, stack, json=json) as context:
        before = raise_capacity(context, table, index, write)
        return CapacityResult(stack, f"{table}/{index}", before.write, write)


@command(
    table="the table of the index",
    index="the retired index that may be removed",
    by="the name of the person who approves it",
    application_updated="state that the application no longer reads the index",
    tests_passed="state that its integration tests passed without the index",
    commit="in place of --tests-passed: the commit that the checks of --check-run passed for",
    check_run="the run of the checks that shows it, as ./invoke check printed it",
)
def approve(
    shell: Shell,
    stack: str = "local",
    table: str | None = None,
    index: str | None = None,
    by: str | None = None,
    application_updated: bool = False,
    tests_passed: bool = False,
    commit: str | None = None,
    check_run: str | None = None,
    json: bool = False,
) -> Result:
    """Write the approval to remove a retired index into the stack file, for review. Does not call AWS."""
    from stack.file.approving import approve as write
    from terminal.results.settings import ApprovalResult

    workspace = workspace_of(shell)
    approved = write(
        workspace.project,
        workspace.directory,
        stack,
        *only(shell, table, index),
        by,
        application_updated=application_updated,
        tests_passed=tests_passed,
        commit=commit,
        check_run=check_run,
    )
    return ApprovalResult(stack, approved)


TASKS = (migrate, backfill, late_writers, capacity, approve)
