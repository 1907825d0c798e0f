"""The command surface: each task reads its flags, calls `migration/`, prints. `./invoke --list` shows them all.

Those for working on the project itself are in terminal/development.py.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

from invoke.collection import Collection
from invoke.context import Context as Shell
from invoke.exceptions import Exit
from invoke.tasks import task

from schema.errors import UsageError, VerificationFailed, Waiting
from sitelogix.tables import SITELOGIX
from stack.file.config import StackConfig, find_stack_file, guess, load_config
from terminal.development import conformance, lint, test
from terminal.main import CHECKOUT, reported
from terminal.turn import turn

STACK = {"stack": "the stack: local, staging or prod", "json": "print one JSON document and nothing else"}
LEAST_ITEMS = 100
"""Of fewer items nothing can be measured."""
PACE = {
    "rate": "write units a second for backfills, before the stack's setting",
    "workers": "how many segments a backfill scans side by side",
}


@task(help={**STACK, "table": "only this table", "index": "only this index of --table"})
@reported
def plan(
    shell: Shell, stack: str = "local", table: str | None = None, index: str | None = None, json: bool = False
) -> None:
    """Show the steps to come and why. Reads only."""
    from terminal import document, output
    from terminal.session import open_session

    only = _narrowing(table, index)
    with open_session(stack, json=json) as context:
        found = context.plan(context.read_world()).narrowed(*only)
    if json:
        document.print_json(document.plan_document(stack, found))
    else:
        output.print_plan(stack, found)


@task(help={**STACK, **PACE, "table": "only this table", "index": "only this index of --table"})
@reported
def migrate(
    shell: Shell,
    stack: str = "local",
    table: str | None = None,
    index: str | None = None,
    rate: int = 0,
    workers: int = 0,
    json: bool = False,
) -> None:
    """Take the stack to the schema. Repeating it resumes; a shut gate ends it with exit code 3."""
    only, pace = _narrowing(table, index), _pace(rate, workers)
    find_stack_file(stack, CHECKOUT)
    with turn(CHECKOUT, stack) as mine:
        from migration.run.runner import migrate as run
        from terminal import document, output
        from terminal.session import open_session

        with open_session(stack, json=json, turn=mine, **pace) as context:
            summary = run(context, *only)
    if json:
        document.print_json(document.summary_document(stack, SITELOGIX, summary))
    else:
        output.print_summary(stack, SITELOGIX, summary)
    if summary.held:
        raise Exit(code=Waiting.exit_code)


@task(
    help={
        **STACK,
        **PACE,
        "table": "only this table",
        "dry-run": "count what would change, with examples, and write nothing",
        "check": "count filled values that are no longer what their sources give",
        "mend": "with --check: mend them",
    }
)
@reported
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
) -> None:
    """Fill the attributes that new indexes need, as far as they are not proven to be filled; or look at them."""
    from terminal import document, output
    from terminal.backfilling import fill, look
    from terminal.session import open_session

    if mend and not check:
        raise UsageError("--mend needs --check.", "It mends what the check finds.", "Add --check.")
    if dry_run and check:
        raise UsageError("--dry-run and --check exclude each other.", "One looks at what is missing.", "Drop one.")
    only, _ = _narrowing(table)
    with open_session(stack, json=json, **_pace(rate, workers)) as context:
        if dry_run or check:
            surveys = look(context, only, check=check, mend=mend)
        else:
            summary = fill(context, only)
    if dry_run or check:
        if json:
            document.print_json(document.surveys_document(stack, surveys))
        else:
            output.print_surveys(surveys, check=check)
    elif json:
        document.print_json(document.summary_document(stack, SITELOGIX, summary))
    else:
        output.print_summary(stack, SITELOGIX, summary)


@task(
    help={
        **STACK,
        **PACE,
        "backfill": "the table whose backfill is taken back",
        "table": "the table of --index, --from-backup or --to-time",
        "index": "a new index, which is removed; or a retired one that is gone, which is built again",
        "from-backup": "restore --table beside the live one, from this backup: its ARN, or `latest`",
        "to-time": "restore --table beside the live one, as it was then: a time like 2025-11-04T09:30:00Z",
        "new-tables": "remove the new tables",
        "holding-data": "with --new-tables: those that may be removed although they hold data, commas between them",
        "brown-out": "let an index be read again whose reads are refused before its removal; does not ask",
        "yes": "do not ask",
    }
)
@reported
def rollback(
    shell: Shell,
    backfill: str | None = None,
    table: str | None = None,
    index: str | None = None,
    from_backup: str | None = None,
    to_time: str | None = None,
    new_tables: bool = False,
    holding_data: str | None = None,
    brown_out: bool = False,
    stack: str = "local",
    yes: bool = False,
    rate: int = 0,
    workers: int = 0,
    json: bool = False,
) -> None:
    """Take something back, or restore a table beside the live one: says what it will do, asks, does it, verifies."""
    from terminal import document, rollbacks
    from terminal.session import open_session

    asked = rollbacks.Asked(table, index, backfill, from_backup, to_time, new_tables, holding_data, brown_out)
    pace = _pace(rate, workers)
    asked.check(paced=bool(rate or workers))
    _narrowing(table if backfill is None else backfill, index)
    with open_session(stack, json=json, **pace) as context:
        done = rollbacks.roll_back(context, asked, yes=yes)
    if json:
        document.print_json(rollbacks.rollback_document(stack, asked, done))
    else:
        rollbacks.print_rollback(stack, asked, done)


@task(help={**STACK, "table": "only this table's", "index": "only this index of --table"})
@reported
def gate(
    shell: Shell, stack: str = "local", table: str | None = None, index: str | None = None, json: bool = False
) -> None:
    """Show each condition for removing a retired index, with its evidence. Reads only; exit code 3 if one is shut."""
    from terminal import document, gates
    from terminal.session import open_session

    only = _narrowing(table, index)
    with open_session(stack, json=json) as context:
        found = gates.gates(context, only)
    if json:
        document.print_json(gates.gates_document(stack, found))
    else:
        gates.print_gates(stack, found)
    if not all(one.is_open for one in found):
        raise Exit(code=Waiting.exit_code)


@task(help={**STACK, "table": "only this table", "once": "look once, and do not wait for the next look"})
@reported
def watch(shell: Shell, stack: str = "local", table: str | None = None, once: bool = False, json: bool = False) -> None:
    """Look for late writers, and mend what they leave, until the new indexes are read-ready."""
    from terminal import document, watching
    from terminal.session import open_session

    only, _ = _narrowing(table)
    with open_session(stack, json=json) as context:
        found = watching.watched_document(context, watching.watch(context, only, once=once), only)
    if json:
        document.print_json(found)
    else:
        watching.print_watched(found)
    if not all(one["read_ready"] for one in found["indexes"]):
        raise Exit(code=Waiting.exit_code)


@task(help={**STACK, "table": "the index's table", "index": "a new index", "write": "its write units a second"})
@reported
def capacity(shell: Shell, table: str, index: str, write: int, stack: str = "local", json: bool = False) -> None:
    """Give a new index more write capacity while it is built, so that the build does not throttle its table."""
    from migration.run.raising import raise_capacity
    from terminal import document
    from terminal.session import open_session

    if write < 1:
        raise UsageError("--write is at least 1.", "It is write units a second.", "Correct the flag.")
    name, index_name = _narrowing(table, index)
    with open_session(stack, json=json) as context:
        before = raise_capacity(context, str(name), str(index_name), write)
    if json:
        document.print_json({"stack": stack, "index": f"{name}/{index_name}", "before": before.write, "write": write})
    else:
        _say(f"{name}/{index_name} gets {write} write units instead of {before.write}, until it is settled.")


@task(help={"stack": STACK["stack"]})
@reported
def pause(shell: Shell, stack: str = "local") -> None:
    """Stop what runs on the stack, from any terminal or machine: backfills within 2 s, a run at its next step."""
    from terminal.session import open_session

    with open_session(stack) as context:
        context.refuse_others_tables(context.ledger.proofs())
        context.ledger.create()
        context.ledger.pause()
        context.history.note("pause")
    _say(f"Stack {stack} is paused. To go on: ./invoke resume --stack {stack}")


@task(help={**STACK, **PACE})
@reported
def resume(shell: Shell, stack: str = "local", rate: int = 0, workers: int = 0, json: bool = False) -> None:
    """Take a pause back, and go on with the migration."""
    from terminal.session import open_session

    # Before the pause is taken back: what goes on then must not be refused.
    _pace(rate, workers)
    with open_session(stack, json=True) as context:
        context.refuse_others_tables(context.ledger.proofs())
        if context.ledger.resume():
            context.history.note("resume")
    migrate(shell, stack=stack, rate=rate, workers=workers, json=json)


@task(help={"stack": STACK["stack"], "yes": "do not ask"})
@reported
def unlock(shell: Shell, stack: str = "local", yes: bool = False) -> None:
    """Break the lease of a dead run before it runs out by itself. One that lives stops before its next write."""
    from terminal import records
    from terminal.session import open_session

    with open_session(stack) as context:
        done = records.unlock(context, yes=yes)
    _say(done)


@task(
    help={
        **STACK,
        "limit": "how many runs and requests, newest first",
        "run": "the id of one run: its steps instead",
    }
)
@reported
def history(shell: Shell, stack: str = "local", limit: int = 20, run: str | None = None, json: bool = False) -> None:
    """Show what was done to the stack, by whom and when: runs, pauses, broken leases. Reads only."""
    from dataclasses import asdict

    from terminal import document, records
    from terminal.session import open_session

    if limit < 1:
        raise UsageError("--limit is at least 1.", "It is how many runs and requests are shown.", "Correct the flag.")
    with open_session(stack, json=json) as context:
        events = records.history(context, limit) if run is None else []
        steps = records.steps(context, run) if run is not None else []
    if json and run is None:
        document.print_json({"stack": stack, "events": [asdict(event) for event in events]})
    elif json:
        document.print_json({"stack": stack, "run": run, "steps": [asdict(step) for step in steps]})
    elif run is None:
        records.print_history(stack, events)
    else:
        records.print_steps(steps)


@task(help=STACK)
@reported
def status(shell: Shell, stack: str = "local", json: bool = False) -> None:
    """Show every table and index with one word for where it is, and who is at work. Reads only."""
    from dataclasses import asdict

    from migration.run.status import status as read
    from terminal import document, output, records
    from terminal.session import open_session

    with open_session(stack, json=json) as context:
        states = read(SITELOGIX, context.config.settings, context.read_world())
        working = records.at_work(context)
    if json:
        document.print_json({"stack": stack, **working, "states": [asdict(state) for state in states]})
    else:
        output.print_status(states)
        records.print_at_work(stack, working)


@task(help=STACK)
@reported
def verify(shell: Shell, stack: str = "local", json: bool = False) -> None:
    """Check the whole stack against the schema, down to its items. Reads only; exit code 5 if a check fails."""
    from functools import partial

    from migration.checks.verify import verify as run
    from migration.session.reading import reader_of
    from terminal import document, output
    from terminal.session import open_session

    with open_session(stack, json=json) as context:
        accepted = context.config.settings.accepted_violations
        checks = run(partial(reader_of, context), SITELOGIX, accepted, context.read_world(), context.observer)
    if json:
        found = [{"subject": check.name, "holds": check.holds, "evidence": check.evidence} for check in checks]
        document.print_json({"stack": stack, "checks": found})
    else:
        output.print_checks(checks, SITELOGIX)
    if not all(check.holds for check in checks):
        raise Exit(code=VerificationFailed.exit_code)


@task(help=STACK)
@reported
def preview(shell: Shell, stack: str = "local", json: bool = False) -> None:
    """Show what Pulumi would change, for a pull request. Refused (exit code 4) where that could lose something."""
    from dataclasses import asdict

    from migration.run.preview import preview as run
    from terminal import document, output
    from terminal.session import open_session

    with open_session(stack, json=json) as context:
        changes = run(context)
    if json:
        document.print_json({"stack": stack, "changes": [asdict(change) for change in changes]})
    else:
        output.print_changes(stack, changes)


@task(
    help={
        **STACK,
        "table": "the table of the index",
        "index": "the retired index that may go",
        "by": "who answers for it",
        "application-updated": "state that the application no longer reads the index",
        "tests-passed": "state that its integration tests passed without the index",
    }
)
@reported
def approve(
    shell: Shell,
    stack: str = "local",
    table: str | None = None,
    index: str | None = None,
    by: str | None = None,
    application_updated: bool = False,
    tests_passed: bool = False,
    json: bool = False,
) -> None:
    """Write leave to remove a retired index into the stack file, for review in a pull request. Asks no AWS."""
    from terminal import approving, document

    _narrowing(table, index)
    approved = approving.approve(
        SITELOGIX,
        CHECKOUT,
        stack,
        table,
        index,
        by,
        application_updated=application_updated,
        tests_passed=tests_passed,
    )
    if json:
        document.print_json(approved.document())
    else:
        sys.stdout.write(f"{approved.text()}\n")


@task(help={"stack": STACK["stack"]})
@reported
def env(shell: Shell, stack: str = "local") -> None:
    """Print exports with which `pulumi` and `aws` work by hand: eval "$(./invoke env --stack local)"."""
    from local.stack import LocalStack
    from terminal.session import environment

    config = _config(stack)
    if config.is_local:
        LocalStack(config, SITELOGIX, say=_say).up()
    for name, value in environment(config).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@task(name="up")
@reported
def local_up(shell: Shell) -> None:
    """Start the local stack with its pre-migration data, if it does not run."""
    from local.stack import LocalStack

    local = LocalStack(_config("local"), SITELOGIX, say=_say)
    if local.is_up():
        _say("The local stack is up.")
    local.up()


@task(name="down")
@reported
def local_down(shell: Shell) -> None:
    """Stop the local stack. Its data and its Pulumi state go with it."""
    from local.stack import LocalStack

    stopped = LocalStack(_config("local"), SITELOGIX).down()
    _say("The local stack is stopped." if stopped else "The local stack was not running.")


@task(name="reset")
@reported
def local_reset(shell: Shell) -> None:
    """Start the local stack afresh, from the pre-migration data."""
    from local.stack import LocalStack

    local = LocalStack(_config("local"), SITELOGIX, say=_say)
    local.down()
    local.up()


@task(
    help={
        "what": "what to measure: backfill",
        "items": "items of the table on which the ways are compared",
        "rounds": "how often each way runs, in turn",
        "growth": "items of the tables on which ours runs alone, such as 10000,1000000",
        "json": "print one JSON document and nothing else",
    },
    positional=["what"],
)
@reported
def bench(
    shell: Shell,
    what: str,
    items: int = 100_000,
    rounds: int = 2,
    growth: str = "10000,1000000",
    json: bool = False,
) -> None:
    """Measure beside other ways, on DynamoDB Local: about 15 minutes. Nothing of yours is touched."""
    from benchmarks import backfill as benchmark
    from benchmarks.output import print_result
    from local.dynamodb_local import Missing
    from terminal import document

    sizes = tuple(int(size) for size in growth.split(",") if size.isdecimal())
    known = what == "backfill" and items >= LEAST_ITEMS and rounds >= 1
    if not known or ",".join(map(str, sizes)) != growth or min(sizes) < LEAST_ITEMS:
        raise UsageError(
            "That can not be measured.",
            f"There is `backfill`, with at least {LEAST_ITEMS} items, one round, and sizes such as 10000,1000000.",
            "Run: ./invoke bench backfill",
        )
    try:
        result = benchmark.bench(items, rounds, sizes, _say)
    except Missing as missing:
        raise UsageError("DynamoDB Local is missing.", f"{missing}.", "Install Java 17 and Maven.") from None
    path = benchmark.write(result)
    if json:
        document.print_json(result)
    else:
        print_result(result)
    _say(f"Kept in {path.relative_to(CHECKOUT)}.")


def _config(stack: str) -> StackConfig:
    return load_config(stack, CHECKOUT, SITELOGIX)


def _narrowing(table: str | None, index: str | None = None) -> tuple[str | None, str | None]:
    """The --table and --index flags. Raises UsageError for names that the schema does not have."""
    if index is not None and table is None:
        raise UsageError("--index needs --table.", "Two tables may have an index of one name.", "Add --table.")
    if table is None:
        return None, None
    tables = [known.name for known in SITELOGIX]
    if table not in tables:
        raise UsageError(
            f"There is no table {table!r} in the schema.", f"There are: {', '.join(tables)}.", guess(table, tables)
        )
    indexes = [known.name for known in SITELOGIX.table(table).every_index]
    if index is not None and index not in indexes:
        raise UsageError(
            f"Table {table} has no index {index!r}.", f"It has: {', '.join(indexes)}.", guess(index, indexes)
        )
    return table, index


def _pace(rate: int, workers: int) -> dict[str, Any]:
    """The --rate and --workers flags; 0 stands for the stack's setting. Raises UsageError."""
    if rate < 0 or not 0 <= workers <= 64:
        raise UsageError(
            "--rate and --workers are positive; workers are at most 64.",
            "A rate is write units a second; without one the stack's setting counts.",
            "Correct the flag.",
        )
    return {"rate": float(rate) or None, "workers": workers or None}


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


local = Collection("local", local_up, local_down, local_reset)
ns = Collection(
    plan,
    migrate,
    backfill,
    rollback,
    gate,
    watch,
    capacity,
    pause,
    resume,
    unlock,
    status,
    history,
    verify,
    preview,
    approve,
    env,
    test,
    conformance,
    bench,
    lint,
    local,
)
