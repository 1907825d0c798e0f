"""What was seen of a stack over some time: a watch after a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from migration.watching.watch import WatchSummary, described
from schema.errors import VerificationFailed
from stack.ledger.codec import written
from stack.world.world import OK
from terminal.reporting import Line, Result


@dataclass(frozen=True)
class WatchResult(Result):
    """A watch that has ended: its time was over, or something was wrong."""

    stack: str
    done: WatchSummary

    @property
    def exit_code(self) -> int:
        return 0 if self.done.is_clean else VerificationFailed.exit_code

    def document(self) -> dict[str, Any]:
        watched = self.done.watched
        return {
            "stack": self.stack,
            "change": watched.change,
            "began": written(watched.began),
            "looked": written(watched.looked),
            "seconds": int(watched.seconds),
            "wanted": self.done.wanted,
            "clean": self.done.is_clean,
            "ended_by": watched.ended_by,
            "alarms": self.done.alarms,
            "told": list(self.done.told),
            "next": self._next,
        }

    def text(self) -> Iterator[Line]:
        watched, alarms = self.done.watched, self.done.alarms
        yield f"Stack {self.stack} since run {watched.change}: {described(watched, self.done.wanted)}."
        if self.done.is_clean:
            states = ", ".join(f"{count} {'OK' if state == OK else state}" for state, count in alarms.items())
            yield Text.assemble(("No alarm fired", "green"), f", and no system error was seen. Alarms: {states}.")
        else:
            yield Text.assemble(("Ended", "red"), f" at {written(watched.looked)}: {watched.ended_by}.")
            yield f"Run: {self._next}"

    @property
    def _next(self) -> str:
        return f"./invoke {self.done.next} --stack {self.stack}" if self.done.next else ""
