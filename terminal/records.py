"""What the ledger tells of a stack: who is at work on it, what was done, and taking a dead run's lease away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from migration.session.context import Context
from schema.errors import UsageError
from stack.ledger.history import UNKNOWN, Event, Recorded
from stack.ledger.lease import Holder
from terminal.output import confirmed, console, grid_of


def at_work(context: Context) -> dict[str, Any]:
    """Who holds the stack, who has died holding it, and who has paused it (None: nobody), for `status`."""
    lease, pause = context.ledger.lease, context.ledger.paused()
    holder = lease.holder()
    told = holder and {"command": holder.command, "by": holder.by, "since": holder.since}
    dead = holder is not None and lease.is_over(holder)
    return {
        "held": None if dead else told,
        "died": told if dead else None,
        "paused": pause and {"by": pause["by"], "at": pause["at"]},
    }


def print_at_work(stack: str, found: dict[str, Any]) -> None:
    """A line for each of them, or none."""
    out = console()
    for state, color, heading in (("held", "cyan", "At work"), ("died", "red", "Ended without saying so")):
        if found[state]:
            run = found[state]
            out.print(f"[{color}]{heading}:[/] {run['command']} by {run['by']}, since {run['since']}.")
    if found["paused"]:
        paused = found["paused"]
        out.print(f"[yellow]Paused[/] by {paused['by']} at {paused['at']}. Run: ./invoke resume --stack {stack}")


def history(context: Context, limit: int) -> list[Event]:
    """The newest runs and requests, with the run that is at work marked as such."""
    events, holder = context.history.newest(limit), context.ledger.lease.holder()
    if holder is not None and not context.ledger.lease.is_over(holder):
        _mark(events, holder)
    return events


def _mark(events: list[Event], holder: Holder) -> None:
    """The newest run without an end is the holder's: it took the lease after every other had ended or died."""
    for event in events:
        if event.result == UNKNOWN and (event.what, event.by) == (holder.command, holder.by):
            event.result = "at work"
            return


def print_history(stack: str, events: list[Event]) -> None:
    """A line for each, newest first."""
    if not events:
        console().print(f"Nothing was ever done to stack {stack}.")
        return
    grid = grid_of("when", "what", "by", "took", "result", "code", "run")
    for event in events:
        notes = [event.result, str(event.facts.get("held_by", ""))]
        if "taken_over" in event.facts:
            notes.append("in place of a dead run")
        result = "; ".join(note for note in notes if note)
        run = event.id if event.result else ""
        grid.add_row(event.at, event.what, event.by, _took(event), result, str(event.facts.get("code", "")), run)
    console().print(grid)


def _took(event: Event) -> str:
    if event.ended is None:
        return ""
    return str(datetime.fromisoformat(event.ended) - datetime.fromisoformat(event.at))


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


def print_steps(steps: list[Recorded]) -> None:
    """A line for each step, in order."""
    grid = grid_of("", "step", "began", "ended", "result")
    for step in steps:
        grid.add_row(str(step.number), step.name, step.began, step.ended or "", step.result)
    console().print(grid)


def unlock(context: Context, *, yes: bool) -> str:
    """Breaks the lease of whoever holds the stack, once that is confirmed. Returns what happened. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    stack, holder = context.config.stack, context.ledger.lease.holder()
    if holder is None:
        return f"No run holds stack {stack}."
    if not yes and not confirmed(f"Break the lease of {holder}, on stack {stack}?"):
        raise UsageError("Nothing was changed.", f"Stack {stack} is held by {holder}.", "Answer y, or add --yes.")
    if context.ledger.lease.break_it(holder):
        context.history.note("unlock", {"held_by": str(holder)})
    return f"The lease of {holder} is broken. To go on, run: ./invoke migrate --stack {stack}"
