"""A stack at a glance, its tables and indexes, and who is at work on it; and its history: runs, requests and steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from migration.plan.findings import Finding
from migration.run.status import ResourceStatus
from stack.ledger.history import Event, Recorded
from stack.ledger.ledger import Facts
from terminal.reporting import Line, Result, grid
from terminal.results.plan import finding


@dataclass(frozen=True)
class HistoryResult(Result):
    """Runs and requests, newest first."""

    stack: str
    events: list[Event]

    def text(self) -> Iterator[Line]:
        if self.events:
            yield grid(("when", "what", "by", "took", "result", "code", "run"), map(_event_row, self.events))
        else:
            yield f"Nothing was ever done to stack {self.stack}."


def _event_row(event: Event) -> tuple[str, ...]:
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


_COLORS = {
    "active": "green",
    "read-ready": "green",
    "built": "yellow",
    "missing": "yellow",
    "retired": "dim",
    "building": "cyan",
    "awaiting removal": "yellow",
}


@dataclass(frozen=True)
class StatusResult(Result):
    """Who holds the stack, who has died holding it, who has paused it (None: nobody); its tables and indexes; what of
    them could not be read."""

    stack: str
    at_work: Facts | None
    died: Facts | None
    paused: Facts | None
    states: list[ResourceStatus]
    not_known: list[Finding]

    def text(self) -> Iterator[Line]:
        yield grid(("table", "index", "state", "detail"), map(_row, self.states))
        for run, heading, color in ((self.at_work, "At work:", "cyan"), (self.died, "Ended without saying so:", "red")):
            if run is not None:
                yield Text.assemble((heading, color), f" {run['command']} by {run['by']}, since {run['since']}.")
        if self.paused is not None:
            then = f"Run: ./invoke resume --stack {self.stack}"
            yield Text.assemble(("Paused", "yellow"), f" by {self.paused['by']} at {self.paused['at']}. {then}")
        yield from map(finding, self.not_known)


def _row(state: ResourceStatus) -> tuple[Text | str, ...]:
    table = "" if state.index else Text(state.table, "bold")
    return table, state.index or "", Text(state.state, _COLORS.get(state.state, "")), state.detail
