"""A stack at a glance: its tables and indexes, and who is at work on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from migration.run.status import ResourceStatus
from stack.ledger.ledger import Facts
from terminal.reporting import Result
from terminal.text import Line, grid

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
    """Who holds the stack, who has died holding it, who has paused it (None: nobody); its tables and indexes."""

    stack: str
    at_work: Facts | None
    died: Facts | None
    paused: Facts | None
    states: list[ResourceStatus]

    def text(self) -> Iterator[Line]:
        yield grid(("table", "index", "state", "detail"), map(_row, self.states))
        for run, heading, color in ((self.at_work, "At work:", "cyan"), (self.died, "Ended without saying so:", "red")):
            if run is not None:
                yield Text.assemble((heading, color), f" {run['command']} by {run['by']}, since {run['since']}.")
        if self.paused is not None:
            then = f"Run: ./invoke resume --stack {self.stack}"
            yield Text.assemble(("Paused", "yellow"), f" by {self.paused['by']} at {self.paused['at']}. {then}")


def _row(state: ResourceStatus) -> tuple[Text | str, ...]:
    table = "" if state.index else Text(state.table, "bold")
    return table, state.index or "", Text(state.state, _COLORS.get(state.state, "")), state.detail
