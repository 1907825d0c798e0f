"""Tasks that observe a stack over some time: they watch it after a change, or load it."""

from __future__ import annotations

import sys

from invoke.context import Context as Shell

from terminal.flags import confirm, duration, load_test_flags
from terminal.reporting import Result, command
from terminal.workspace import workspace_of


@command(for_="how long to watch since the newest change, such as 4h; without it until Ctrl-C")
def watch(shell: Shell, stack: str = "local", for_: str | None = None, json: bool = False) -> Result:
    """Watch alarms, throttles, errors and latency after a change. Exit code 5 at the first alarm."""
    from migration.watching.changes import LATE
    from migration.watching.watch import watch as looks
    from terminal.progress import WatchBar
    from terminal.results.observed import WatchResult
    from terminal.session import open_session

    seconds = duration("--for", for_)
    with open_session(shell, stack, json=json) as context:
        # Elsewhere only changes are told.
        on_terminal = sys.stderr.isatty() and not json
        bar = WatchBar(context.reporter, seconds and seconds + LATE.total_seconds()) if on_terminal else None
        return WatchResult(stack, looks(context, seconds, bar or (lambda watched: None)))


@command(
    rate="requests a second; the stack file says how many it allows at most",
    for_="for how long, such as 60s or 10m",
    seed="of all chance: the same seed asks for the same in the same order",
    out="the folder in which the whole result is kept",
    clean="only remove what a load test that was killed has left",
)
def loadtest(
    shell: Shell,
    stack: str = "local",
    rate: int = 0,
    for_: str | None = None,
    seed: int = 1,
    out: str = ".local/loadtests",
    clean: bool = False,
    yes: bool = False,
    json: bool = False,
) -> Result:
    """Load a stack as its applications do, and judge it by 100 ms. Asks first. Exit code 5 if not passed."""
    from migration.loading.prepare import Asked, prepare
    from migration.loading.run import clean_up, load_test
    from terminal.results.observed import CleanedResult, LoadTestShown, kept
    from terminal.session import open_session

    seconds = load_test_flags(rate, for_, clean=clean)
    with open_session(shell, stack, json=json) as context:
        if seconds is None:
            return CleanedResult(stack, clean_up(context))
        prepared = prepare(context, Asked(rate, seconds, seed))
        for line in prepared.says():
            context.reporter.noted(line)
        confirm(f"Send that to stack {stack}?", yes=yes, why="A load test asks first: it costs units.")
        result = LoadTestShown(stack, load_test(context, prepared))
        context.reporter.noted(kept(result, workspace_of(shell).directory / out))
        return result


TASKS = (watch, loadtest)
