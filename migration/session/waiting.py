"""Waiting for AWS: looked at again and again, and stopped by Ctrl-C or a pause. AWS goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from migration.session.context import Context
from schema.errors import StillBuilding, VerificationFailed, Waiting
from stack.ledger.codec import written
from stack.ledger.records import Pause
from stack.world.live import ACTIVE, LiveTable, read_table

POLL_SECONDS = 2.0


def wait_for(context: Context, name: str, done: Callable[[LiveTable], bool]) -> LiveTable:
    """Reads the table until `done`, at most as long as the stack gives an index, and once where the run must not wait.
    Raises VerificationFailed when the table is gone, StillBuilding when AWS is not done, and what `pause_here` does."""
    minutes = context.config.settings.index_timeout_minutes
    deadline = time.monotonic() + minutes * 60
    while True:
        table = read_table(context.client, context.config, name)
        if table is not None and done(table):
            return table
        if table is None:
            raise VerificationFailed(
                f"Table {name} is gone.", "It was waited for, because AWS was changing it.", context.command("status")
            )
        if context.no_wait or time.monotonic() > deadline:
            why = "The run was told not to wait" if context.no_wait else f"It was waited for, for {minutes} minutes"
            raise still_building(context, table, f"{why}.")
        pause_here(context)


def still_building(context: Context, table: LiveTable, why: str) -> StillBuilding:
    """The end of a run that does not wait for what AWS is doing to a table."""
    states = [
        f"{table.name}/{name} is {index.status}" for name, index in table.indexes.items() if index.status != ACTIVE
    ]
    return StillBuilding(
        f"AWS is still at work: {', '.join(states) or f'table {table.name} is {table.status}'}.",
        f"{why} AWS goes on by itself, and what it makes is adopted by the next run.",
        context.command("migrate"),
    )


def pause_here(context: Context) -> None:
    """A moment of waiting. Raises Interrupted, OutOfTime, LeaseLost, or Waiting when the stack was paused."""
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
