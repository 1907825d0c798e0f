"""A change of one stack, as `preview` shows it: a document for a program, a comment for a pull request, or a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from migration.change.document import Change, PlannedChange
from schema.errors import Refused, UsageError, VerificationFailed, Waiting
from terminal.markdown.change import comment
from terminal.markdown.words import expected_text, value_text
from terminal.reporting import Line, Result, grid, mark

_CODES = {"safe": 0, "waiting": Waiting.exit_code, "refused": Refused.exit_code}
_COLORS = {"safe": "green", "waiting": "yellow", "refused": "red"}


@dataclass(frozen=True)
class ChangeResult(Result):
    """The change document; with `markdown` its text is the comment. With `expect_no_change` any change of Pulumi's is a
    failure."""

    change: Change
    markdown: bool = False
    expect_no_change: bool = False

    @property
    def exit_code(self) -> int:
        """That of the verdict, or of the error that kept the document from saying more."""
        error = self.change.error
        if error is None and self.expect_no_change:
            return VerificationFailed.exit_code if self.change.changes else 0
        return _CODES[self.change.verdict] if error is None else error.code

    def outputs(self) -> dict[str, str | int]:
        return {"steps": len(self.change.steps)}

    def document(self) -> dict[str, Any]:
        return self.change.document()

    def text(self) -> Iterator[Line]:
        change = self.change
        if self.markdown:
            yield comment(change).rstrip("\n")
            return
        if change.changes:
            rows = ((each.operation, each.resource, _differs(each)) for each in change.changes)
            yield grid(("operation", "resource", "what differs"), rows, f"Preview of stack {change.stack}")
        elif change.error is None:
            yield f"No change: Pulumi's state of stack {change.stack} is as declared."
        yield from _steps(change)
        yield from _gates(change)
        yield from _attestation(change)
        for approval in change.approvals.added:
            yield f"Approved since {change.approvals.base}: removal of {approval.index}, by {approval.by}."
        if counted := sum(one.accepted is None for one in change.lint):
            yield f"Lint: {counted} not accepted. The lines: ./invoke schema.lint --stack {change.stack}"
        yield from (f"Now: {note}." for note in change.notes)
        if change.error is None and (change.verdict != "safe" or change.steps or change.changes):
            color = _COLORS[change.verdict]
            yield Text.assemble("\n", (change.verdict.capitalize(), color), f": {' '.join(change.reasons)}")
            yield from (Text(f"Run: {line}", "dim") for line in change.commands.on)


def _differs(change: PlannedChange) -> str:
    if change.operation in {"create", "delete", "import"}:
        return ""
    return ", ".join(
        f"{one.name}: {_short(value_text(one.old))} → {_short(value_text(one.new))}" for one in change.properties
    )


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _steps(change: Change) -> Iterator[Line]:
    rows = [
        (str(number), step.action, f"{step.tables[0]}/{step.index}" if step.index else ", ".join(step.tables), why)
        for number, step in enumerate(change.steps, 1)
        for why in ("; ".join(part for part in (step.why, expected_text(step.expected)) if part),)
    ]
    if rows:
        yield grid(("", "step", "on", "why, and what it takes at most"), rows, "What migrate would do", right=("",))


def _gates(change: Change) -> Iterator[Line]:
    rows = [
        (
            mark(gate.open, "shut", "yellow"),
            gate.index,
            gate.earliest_at or "",
            ", ".join(condition.name for condition in gate.conditions if not condition.holds),
        )
        for gate in change.gates
    ]
    if rows:
        yield grid(("gate", "retired index", "not before", "missing"), rows)


def _attestation(change: Change) -> Iterator[Line]:
    found = change.attestation
    if found is None:
        return
    if found.allows is None:
        yield f"Attestation of stack {found.stack}: not known. {found.why}"
        return
    rows = [(mark(one.holds, "no", "yellow"), one.name, one.evidence) for one in found.conditions]
    yield grid(("", f"attestation of stack {found.stack}", "evidence"), rows)


def keep(change: Change, folder: str) -> None:
    """Writes change.md and change.json into the folder, which is made where it is missing. Raises UsageError."""
    files = {
        "change.md": comment(change),
        "change.json": json.dumps(change.document(), indent=2, ensure_ascii=False) + "\n",
    }
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--out {folder} cannot be written.", f"{error}.", "Name a folder that can be written, or make room."
        ) from None
