"""Having a stack to oneself: whatever writes to it does so inside this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from migration.context import Context
from stack.history import Run


@contextmanager
def alone(context: Context, command: str) -> Iterator[Run]:
    """The stack to oneself, for a recorded run: what a dead one left running is ended first. Raises Refused when
    somebody else is at work."""
    context.ledger.create()
    with (
        context.interrupts.caught(),
        context.ledger.lease.held(command) as dead,
        context.history.recording(command, dead) as recorded,
    ):
        context.on_held(context.ledger.lease.refusal())
        if dead is not None:
            context.observer.noted(f"Goes on in place of a dead run: {dead}.")
        context.engine.end_orphans()
        yield recorded
