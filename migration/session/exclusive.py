"""One run at a time on a stack: whatever writes to it does so inside `exclusive`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from migration.session.brown_out import take_back_all
from migration.session.context import Context
from migration.session.notifying import Notice
from schema.errors import Interrupted, ToolError, Waiting
from stack.ledger.history import WAITING, Run, described


@contextmanager
def exclusive(context: Context, command: str, *, told: bool = True) -> Iterator[Run]:
    """Takes the stack for a recorded run. What a dead run has left, programs and brown-outs, is ended first. The team
    is told how the run goes if it is to be `told`. Raises Refused when somebody else is at work."""
    context.ledger.create()
    with (
        context.interrupts.caught(),
        context.ledger.lease.held(command) as dead,
        context.history.recording(command, dead) as recorded,
        context.engine.in_run(command, recorded.id),
        _notices(context, command, recorded, told=told),
    ):
        context.on_held(context.ledger.lease.refusal())
        if dead is not None:
            context.reporter.noted(f"Goes on in place of a dead run: {dead}.")
        context.engine.end_orphans()
        for ref in take_back_all(context):
            context.reporter.noted(f"A run that was killed had refused reads of {ref}: they are allowed again.")
        yield recorded


@contextmanager
def _notices(context: Context, command: str, run: Run, *, told: bool) -> Iterator[None]:
    if not told:
        yield
        return
    stack = context.config.stack
    tell = context.notifier.tell
    tell(Notice("started", command, run.id, next=f"./invoke status --stack {stack}"))
    try:
        yield
    except Waiting as waiting:
        tell(Notice("waiting", command, run.id, f"{waiting.what} {waiting.why}", waiting.next))
        raise
    except Interrupted as stopped:
        tell(Notice("stopped", command, run.id, stopped.what, stopped.next))
        raise
    except ToolError as error:
        tell(Notice("failed", command, run.id, f"{error.what} {error.why}", error.next))
        raise
    except BaseException as error:
        tell(Notice("failed", command, run.id, described(error), f"./invoke status --stack {stack}"))
        raise
    if run.result == WAITING:
        tell(Notice("gate waiting", command, run.id, run.why, run.next))
    else:
        tell(Notice(run.result, command, run.id, next=f"./invoke status --stack {stack}"))
