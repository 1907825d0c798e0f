"""A run as it goes, on standard error: a bar with rate and time left, plain lines, or JSON lines for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from migration.session.context import Reporter, StepText
from stack.ledger.ledger import Facts

JSON_LINE_SECONDS = 1.0
PLAIN_LINE_SECONDS = 10.0
"""How often a step that goes on says so where there is no terminal."""


class TerminalReporter:
    """Shows a run. Use it as a context manager: leaving it gives the terminal back as it was."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 120)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._label = ""
        self._last_line = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def planned(self, steps: Sequence[StepText]) -> None:
        """Prints what is about to happen, where there is something to do."""
        if not steps:
            return
        self._console.print(f"Stack {self._stack}: {len(steps)} step{'s' * (len(steps) != 1)} to do.")
        for number, step in enumerate(steps, 1):
            self._console.print(f"{number:4}  {step.name}  [dim]{step.why}[/]", overflow="ellipsis", no_wrap=True)

    def started(self, step: StepText, number: int, total: int) -> None:
        """Begins the step's line or bar."""
        self._label = f"[{number}/{total}] {step.name}"
        self._last_line = time.monotonic()
        self._open()

    def _open(self) -> None:
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(self._label.replace("[", r"\["), total=None, text="")
        self._bar.start()

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        """Moves the bar, or prints a line now and then."""
        if self._bar is None:
            self._open()
        if self._bar is not None and self._task is not None:
            elapsed = self._bar.tasks[0].elapsed or 0.0
            timed = facts is not None and "seconds_left" in facts
            rate = f", {done / elapsed:,.0f}/s" if done and elapsed > 1 and not timed else ""
            if timed and not self._bar.tasks[0].completed:
                # What was done before is no speed.
                self._bar.reset(self._task, completed=done)
            self._bar.update(self._task, completed=done, total=total or None, text=f"{text}{rate}")
        elif time.monotonic() - self._last_line > PLAIN_LINE_SECONDS:
            self._last_line = time.monotonic()
            counted = f" {done:,} of {total:,}" if total else ""
            self._console.print(f"{self._label}:{counted} {text}", markup=False)

    def ended(self, step: StepText, seconds: float, facts: Facts) -> None:
        """Replaces the bar by one line that stays."""
        self._close()
        result = step.told(facts)
        self._console.print(f"{self._label}  {seconds:.1f} s{'  ' if result else ''}{result}", markup=False)

    def noted(self, text: str) -> None:
        """One line that stays."""
        self._close()
        self._console.print(text, style="yellow", markup=False)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._task = None, None


class JsonLinesReporter:
    """Tells a program how a run goes: JSON lines on standard error, of progress at most one a second."""

    def __init__(self) -> None:
        self._step = ""
        self._began = self._last_line = time.monotonic()

    def planned(self, steps: Sequence[StepText]) -> None:
        """One line with the names of all steps."""
        self._write({"event": "planned", "steps": [step.name for step in steps]})

    def started(self, step: StepText, number: int, total: int) -> None:
        """One line a step."""
        self._step, self._began = step.name, time.monotonic()
        self._write({"event": "started", "step": step.name, "number": number, "total": total})

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        """Units done of the total, units a second, and the seconds left (null: unknown)."""
        now = time.monotonic()
        if now - self._last_line < JSON_LINE_SECONDS:
            return
        self._last_line = now
        rate = done / max(now - self._began, 0.001)
        left = (total - done) / rate if done and total >= done else None
        counted = {"done": done, "total": total, "rate": round(rate, 1), "left": left and round(left, 1)}
        self._write({"event": "progress", "step": self._step, **counted, "text": text, **(facts or {})})

    def ended(self, step: StepText, seconds: float, facts: Facts) -> None:
        """One line a step, with what was recorded."""
        self._write({"event": "ended", "step": step.name, "seconds": round(seconds, 3), "facts": dict(facts)})

    def noted(self, text: str) -> None:
        """One line."""
        self._write({"event": "noted", "text": text})

    @staticmethod
    def _write(line: dict[str, object]) -> None:
        json.dump(line, sys.stderr, default=str, ensure_ascii=False)
        sys.stderr.write("\n")
        sys.stderr.flush()


@dataclass(frozen=True)
class WatchBar:
    """Shows a watch as a bar: as one step that goes on for so many `seconds` (None: without an end)."""

    reporter: Reporter
    seconds: float | None
    name: str = "watch"
    why: str = ""

    def __post_init__(self) -> None:
        self.reporter.started(self, 1, 1)

    def told(self, facts: Facts) -> str:
        """Nothing: a watch has a result of its own."""
        return ""

    def __call__(self, watched: float) -> None:
        """So many seconds were watched."""
        left = None if self.seconds is None else max(0, int(self.seconds - watched))
        self.reporter.progress(int(watched), int(self.seconds or 0), "quiet", {"seconds_left": left})
