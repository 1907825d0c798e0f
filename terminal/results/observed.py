"""What was seen of a stack over some time: a watch after a change, or a load test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from loadtest.measuring import Figures
from migration.loading.run import LoadTestSummary
from migration.watching.watch import WatchSummary, described
from schema.errors import VerificationFailed
from stack.ledger.codec import written
from stack.world.world import OK
from terminal.reporting import Line, Result, grid, mark


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


COLUMNS = ("request", "sent", "failed", "p50", "p95", "p99", "p99.9", "max")
"""Times are in milliseconds."""


@dataclass(frozen=True)
class LoadTestShown(Result):
    """A load test that has ended."""

    stack: str
    done: LoadTestSummary

    @property
    def exit_code(self) -> int:
        return 0 if self.done.passed else VerificationFailed.exit_code

    def document(self) -> dict[str, Any]:
        done, asked = self.done, self.done.asked
        return {
            "stack": self.stack,
            "run": done.run,
            "began": written(done.began),
            "ended": written(done.ended),
            "schema": "after" if done.migrated else "before",
            "asked": {"rate": asked.rate, "seconds": asked.seconds, "seed": asked.seed},
            "reached": round(done.reached, 3),
            "late_ms": done.late,
            "passed": done.passed,
            "claims": [{"name": one.name, "holds": one.holds, "evidence": one.evidence} for one in done.claims],
            "requests": {name: _figures(each) for name, each in done.kinds.items()},
            "all": _figures(done.everything),
            "left_out": dict(done.left_out),
            "removed": done.removed,
            "other": done.other and {"began": written(done.other.began), "requests": done.other.kinds},
        }

    def text(self) -> Iterator[Line]:
        done, other = self.done, self.done.other
        there, here = ("before", "after") if done.migrated else ("after", "before")
        columns = (*COLUMNS, f"p99 {there}") if other else COLUMNS
        rows = [
            (*_row(name, each), *([_of_other(other.kinds.get(name))] if other else []))
            for name, each in (*done.kinds.items(), ("all", done.everything))
        ]
        yield grid(columns, rows, f"Load test {done.run}, {here} the migration, in milliseconds:", right=columns[1:])
        if other:
            yield f"The one {there} the migration was at {written(other.began)}, at {other.rate:g} requests a second."
        for name, each in done.kinds.items():
            for cause, count in each.errors.items():
                yield f"  {name}: {count:,} × {cause}"
        yield from (f"  left out: {name}, because {why}" for name, why in done.left_out.items())
        yield grid(("", "condition", "seen"), ((mark(one.holds, "NO"), one.name, one.evidence) for one in done.claims))
        yield f"{done.removed:,} new items were removed again."


@dataclass(frozen=True)
class CleanedResult(Result):
    """What a killed load test had left is gone."""

    stack: str
    removed: int

    def text(self) -> Iterator[Line]:
        if self.removed:
            yield f"{self.removed:,} keys of new items were removed from stack {self.stack}."
        else:
            yield f"No load test has left anything on stack {self.stack}."


def kept(result: LoadTestShown, folder: Path) -> str:
    """Writes the whole result into that folder, and says where it is. The ledger has the verdict, whatever becomes of
    the file."""
    file = folder / f"{result.stack.rpartition('/')[2]}-{result.done.run}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result.document(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        return f"The result could not be kept: {error}."
    return f"The result is kept in {file}."


def _figures(each: Figures) -> dict[str, Any]:
    return {"sent": each.requests, "failed": each.failed, "errors": dict(each.errors), **each.percentiles}


def _row(name: str, each: Figures) -> tuple[str, ...]:
    times = (f"{milliseconds:,.1f}" for milliseconds in each.percentiles.values())
    return name, f"{each.requests:,}", f"{each.failed:,}", *times


def _of_other(found: dict[str, float] | None) -> str:
    return f"{found['p99']:,.1f}" if found else "–"
