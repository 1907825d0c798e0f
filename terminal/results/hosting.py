"""How a task ended, as a check run shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hosting.codes import Ending
from terminal.reporting import Line, Result


@dataclass(frozen=True)
class ConcludedResult(Result):
    """A check run that was made at `url`. The job ends with what the task ended with, unless that waits."""

    name: str
    ending: Ending
    url: str

    @property
    def exit_code(self) -> int:
        return self.ending.exit_code

    def text(self) -> Iterator[Line]:
        yield f"{self.name}: {self.ending.conclusion}. {self.ending}. {self.url}"
