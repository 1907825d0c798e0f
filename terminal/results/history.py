"""The history of a stack: its runs and requests, or the steps of one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stack.ledger.history import Event, Recorded
from terminal.reporting import Result
from terminal.text import Line, grid


@dataclass(frozen=True)
class HistoryResult(Result):
    """Runs and requests, newest first."""

    stack: str
    events: list[Event]

    def text(self) -> Iterator[Line]:
        if self.events:
            yield grid(("when", "what", "by", "took", "result", "code", "run"), map(_row, self.events))
        else:
            yield f"Nothing was ever done to stack {self.stack}."


def _row(event: Event) -> tuple[str, ...]:
    took = datetime.fromisoformat(event.ended) - datetime.fromisoformat(event.at) if event.ended is not None else ""
    taken_over = "in place of a dead run" if "taken_over" in event.facts else ""
    notes = [event.result, str(event.facts.get("held_by", "")), taken_over]
    result = "; ".join(note for note in notes if note)
    code, run = str(event.facts.get("code", "")), event.id if event.result else ""
    return event.at, event.what, event.by, str(took), result, code, run


@dataclass(frozen=True)
class StepsResult(Result):
    """The steps of one run, in order."""

    stack: str
    run: str
    steps: list[Recorded]

    def text(self) -> Iterator[Line]:
        rows = ((str(step.number), step.name, step.began, step.ended or "", step.result) for step in self.steps)
        yield grid(("", "step", "began", "ended", "result"), rows)
