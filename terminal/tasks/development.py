"""Tasks for working on the tool itself."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from invoke.context import Context as Shell
from invoke.exceptions import Exit

from schema.errors import UsageError
from terminal.reporting import Result, command, say
from terminal.workspace import TOOL

LEAST_ITEMS = 100
"""A measurement with fewer items says nothing."""


@command(
    only="run this path or pytest selection only, such as tests/unit",
    faults="run the whole fault suite, about half an hour: a migration is killed at more than a hundred moments",
    long="run the cases of which a test without this flag runs a sample only",
)
def test(shell: Shell, only: str = "", faults: bool = False, long: bool = False) -> None:
    """Run the tests."""
    try:
        chosen = shlex.split(only)
    except ValueError as error:
        raise UsageError(f"--only cannot be read: {error}.", "", 'Run: ./invoke test --only "tests/unit"') from None
    pytest = (sys.executable, "-m", "pytest")
    if chosen:
        _run(shell, *pytest, *chosen)
    elif faults:
        _run(shell, *pytest, "tests/faults", "tests/e2e/test_step_lifecycle.py", "-m", "faults", "-v", "-s")
    elif long:
        _run(shell, *pytest, "-m", "long")
    else:
        # One more than processors: a third of their time, tests wait.
        workers = str(min((os.cpu_count() or 2) + 1, 4))
        side_by_side = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
        _run(shell, *pytest, *side_by_side, "-m", "not faults and not timed and not long")
        _run(shell, *pytest, "-m", "timed")


@command(
    plugin="the path of a real pulumi-resource-aws; without it the stand-in is compared",
    record="record what that plugin does, instead of comparing",
    upstream="with --record: the version of the upstream provider in that plugin, which it does not tell itself",
)
def conformance(shell: Shell, plugin: str = "", record: bool = False, upstream: str = "") -> None:
    """Compare an aws plugin with a recording of the real one."""
    if record and not plugin:
        raise UsageError("--record needs --plugin.", "The stand-in is held to the real plugin.", "Add --plugin PATH.")
    if plugin and not (Path(plugin).is_file() and os.access(plugin, os.X_OK)):
        raise UsageError(f"{plugin} is no program.", "It has to be a pulumi-resource-aws.", "Give its path.")
    if record:
        _run(shell, sys.executable, "-m", "tests.conformance.record", plugin, "--upstream", upstream)
    else:
        os.environ["KEYSHIFT_AWS_PLUGIN"] = plugin
        _run(shell, sys.executable, "-m", "pytest", "tests/conformance", "-m", "not faults")


@command()
def lint(shell: Shell) -> None:
    """Check style, types, and the licences of all dependencies."""
    _run(shell, sys.executable, "-m", "ruff", "check", ".")
    _run(shell, sys.executable, "-m", "ruff", "format", "--check", ".")
    _run(shell, sys.executable, "-m", "mypy")
    _run(shell, sys.executable, "-m", "piplicenses", "--summary")


@command(
    what="what to measure: backfill",
    items="items of the table on which the ways are compared",
    rounds="how often each way runs, in turn",
    growth="items of the tables on which ours runs alone, such as 10000,1000000",
)
def bench(
    shell: Shell, what: str, items: int = 100_000, rounds: int = 2, growth: str = "10000,1000000", json: bool = False
) -> Result:
    """Measure a backfill beside other ways, on DynamoDB Local. Takes about 15 minutes, and touches no stack."""
    from benchmarks import backfill as benchmark
    from local.dynamodb_local import Missing
    from terminal.results.benchmark import BenchResult

    sizes = tuple(int(size) for size in growth.split(",") if size.isdecimal())
    known = what == "backfill" and items >= LEAST_ITEMS and rounds >= 1
    if not known or ",".join(map(str, sizes)) != growth or min(sizes) < LEAST_ITEMS:
        raise UsageError(
            "That cannot be measured.",
            f"There is `backfill`, with at least {LEAST_ITEMS} items, one round, and sizes such as 10000,1000000.",
            "Run: ./invoke bench backfill",
        )
    try:
        result = benchmark.bench(items, rounds, sizes, say)
    except Missing as missing:
        raise UsageError("DynamoDB Local is missing.", f"{missing}.", "Install Java 17 and Maven.") from None
    path = benchmark.write(result)
    say(f"The result is kept in {path.relative_to(TOOL)}.")
    return BenchResult(result)


def _run(shell: Shell, *command: str) -> None:
    result = shell.run(shlex.join(command), pty=sys.stdout.isatty(), warn=True)
    if result is not None and result.exited:
        raise Exit(code=result.exited)


TASKS = (test, lint, conformance, bench)
