"""The records of a stack about runs: who is at work, what was done, and requests to pause, resume and unlock."""

from __future__ import annotations

from migration.session.context import Context
from schema.errors import UsageError
from stack.ledger.codec import written
from stack.ledger.history import UNKNOWN, Event, Recorded
from stack.ledger.lease import Holder
from stack.ledger.ledger import Facts


def activity(context: Context) -> dict[str, Facts | None]:
    """Who is `at_work` on the stack, who has `died` holding it, and who has `paused` it; None stands for nobody."""
    lease, pause = context.ledger.lease, context.ledger.paused()
    holder = lease.holder()
    told = {"command": holder.command, "by": holder.by, "since": holder.since} if holder is not None else None
    dead = holder is not None and lease.is_over(holder)
    paused = {"by": pause.by, "at": written(pause.at)} if pause is not None else None
    return {"at_work": None if dead else told, "died": told if dead else None, "paused": paused}


def history(context: Context, limit: int) -> list[Event]:
    """The newest runs and requests, with the run that is at work marked as such."""
    events, holder = context.history.newest(limit), context.ledger.lease.holder()
    if holder is not None and not context.ledger.lease.is_over(holder):
        for event in events:
            # The newest run without an end: the holder took the lease after every other had ended or died.
            if event.result == UNKNOWN and (event.what, event.by) == (holder.command, holder.by):
                event.result = "at work"
                break
    return events


def steps(context: Context, run: str) -> list[Recorded]:
    """The steps of one run. Raises UsageError for one that is not known."""
    found = context.history.steps(run)
    if not found:
        raise UsageError(
            f"There is no run {run!r} on stack {context.config.stack}, or it came to no step.",
            "Runs are named by the last column of the history.",
            f"Run: ./invoke history --stack {context.config.stack}",
        )
    return found


def pause(context: Context) -> None:
    """Asks whatever runs on the stack to stop. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    context.ledger.create()
    context.ledger.pause()
    context.history.note("pause")


def resume(context: Context) -> None:
    """Takes a pause back, if there is one. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    if context.ledger.resume():
        context.history.note("resume")


def lease_holder(context: Context) -> Holder | None:
    """Who holds the stack, dead or alive. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    return context.ledger.lease.holder()


def unlock(context: Context, holder: Holder) -> None:
    """Breaks the lease of that holder, if it still has it. Raises ToolError."""
    if context.ledger.lease.break_it(holder):
        context.history.note("unlock", {"held_by": str(holder)})
