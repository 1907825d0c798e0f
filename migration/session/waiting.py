"""Waiting for AWS: looked at again and again, and stopped by Ctrl-C or a pause. AWS goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from migration.session.context import Context
from schema.errors import VerificationFailed, Waiting
from stack.ledger.codec import written
from stack.ledger.records import Pause
from stack.world.live import ACTIVE, LiveTable, read_table
from stack.world.refusing import refuse_all, unsupported

POLL_SECONDS = 2.0


def wait_for(context: Context, name: str, done: Callable[[LiveTable], bool]) -> LiveTable:
    """Reads the table until `done`, at most as long as the stack gives an index. Raises VerificationFailed, Refused for
    one that has become something that keyshift does not handle, and what `pause_here` does."""
    minutes = context.config.settings.index_timeout_minutes
    deadline = time.monotonic() + minutes * 60
    while True:
        table = read_table(context.client, context.config, name)
        if table is not None:
            refuse_all(unsupported(table))
            if done(table):
                return table
        if table is None or time.monotonic() > deadline:
            raise VerificationFailed(
                f"Table {name} is {'gone' if table is None else 'still changing'}.",
                f"It was waited for, at most {minutes} minutes.",
                f"Run: ./invoke status --stack {context.config.stack}",
            )
        pause_here(context)


def pause_here(context: Context) -> None:
    """A moment of waiting. Raises Interrupted, LeaseLost, or Waiting when the stack was paused."""
    context.safe_point()
    refuse_if_paused(context)
    context.interrupts.requested.wait(POLL_SECONDS)


def refuse_if_paused(context: Context) -> None:
    """Raises Waiting where somebody has paused the stack."""
    pause = context.ledger.paused()
    if pause is not None:
        raise paused(context, pause)


def idle(context: Context) -> Callable[[LiveTable], bool]:
    """A condition for `wait_for`: nothing of the table is being created, changed or deleted. It shows what is."""

    def show(table: LiveTable) -> bool:
        states = [f"{name} {index.status}" for name, index in table.indexes.items() if index.status != ACTIVE]
        context.reporter.progress(0, 0, ", ".join(states) or f"table {table.status}")
        return table.is_idle

    return show


def paused(context: Context, pause: Pause) -> Waiting:
    """The stop that somebody asked for."""
    return Waiting(
        f"Stack {context.config.stack} is paused.",
        f"{pause.by} asked for that at {written(pause.at)}. What is done is recorded.",
        f"Run: ./invoke resume --stack {context.config.stack}",
    )
