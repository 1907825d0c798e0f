"""Tasks that observe a stack over some time: they watch it after a change, or load it."""

from __future__ import annotations

import sys

from invoke.context import Context as Shell

from terminal.flags import duration
from terminal.reporting import Result, command


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


TASKS = (watch,)
