"""What Pulumi would change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migration.session.engine import ResourceChange
from terminal.reporting import Result
from terminal.text import Line, grid


@dataclass(frozen=True)
class PreviewResult(Result):
    """Each change that an `up` of the whole schema would make."""

    stack: str
    changes: list[ResourceChange]

    def text(self) -> Iterator[Line]:
        if self.changes:
            ordered = sorted(self.changes, key=lambda change: (change.resource, change.operation))
            rows = ((change.operation, change.resource, ", ".join(change.properties)) for change in ordered)
            yield grid(("operation", "resource", "what differs"), rows, f"Preview of stack {self.stack}")
        else:
            yield f"No change: Pulumi's state of stack {self.stack} is as declared."
