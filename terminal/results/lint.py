"""What a lint has found: as text, as JSON, and as annotations of a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from rich.text import Text

from schema.errors import Refused
from stack.lint.finding import Finding, Severity
from terminal.reporting import Line, Result

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
"""GitHub's workflow commands for annotations."""
DOCS = "docs/lint.md"
Reasons = dict[str, str | None]


@dataclass(frozen=True)
class LintResult(Result):
    """The findings of each stack, by its name. With `folder`, the text is GitHub's annotations, whose files are named
    from there."""

    stacks: Mapping[str, tuple[Finding, ...]]
    folder: PurePosixPath | None = None

    @property
    def exit_code(self) -> int:
        return Refused.exit_code if any(one.is_error for found in self.stacks.values() for one in found) else 0

    def document(self) -> dict[str, Any]:
        found = [
            {
                **finding_document(one),
                "stacks": list(reasons),
                "accepted": {stack: reason for stack, reason in reasons.items() if reason is not None},
            }
            for one, reasons in self._merged
        ]
        return {"stacks": list(self.stacks), "findings": found, "refused": bool(self.exit_code)}

    def text(self) -> Iterator[Line]:
        counted = [one for one, reasons in self._merged if None in reasons.values()]
        if self.folder is not None:
            yield from (annotation(one, self.folder) for one in counted)
            return
        for one, reasons in self._merged:
            yield from finding_lines(one, *_told(reasons, of_several=len(self.stacks) > 1))
        counts = {severity: sum(one.severity is severity for one in counted) for severity in Severity}
        told = ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items())
        yield f"Linted {', '.join(self.stacks)}: {told}."

    @property
    def _merged(self) -> list[tuple[Finding, Reasons]]:
        """Each finding once, with the stacks that it is found of, and why they accept it (None: they do not)."""
        merged: dict[Finding, Reasons] = {}
        for stack, found in self.stacks.items():
            for one in found:
                merged.setdefault(replace(one, accepted=None), {})[stack] = one.accepted
        return sorted(merged.items(), key=lambda each: (each[0].code, each[0].file, each[0].line, each[0].subject))


def finding_document(one: Finding) -> dict[str, Any]:
    """A finding for a program."""
    return {**asdict(one), "docs": f"{DOCS}#{one.code.lower()}"}


def finding_lines(one: Finding, *told: str) -> Iterator[Line]:
    """A finding for a person: where, what, why, what to do; and whatever else is told of it."""
    heading = Text.assemble(f"{one.file}:{one.line}: ", (f"{one.code} {one.severity}", _STYLES[one.severity]))
    yield Text.assemble(heading, f": {one.title}")
    yield from (f"  {line}" for line in (one.what, one.why, f"To do: {one.next}", *told))


def annotation(one: Finding, folder: PurePosixPath) -> str:
    """The workflow command by which GitHub shows a finding at its line (actions/toolkit, packages/core: command.ts)."""
    file = (folder / one.file).as_posix()
    properties = {"file": file, "line": str(one.line), "title": f"{one.code} {one.title}"}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[one.severity]} {given}::{_data(f'{one.what} {one.why} To do: {one.next}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _told(reasons: Reasons, *, of_several: bool) -> Iterator[str]:
    if of_several:
        yield f"Found of: {', '.join(reasons)}"
    for reason in dict.fromkeys(reason for reason in reasons.values() if reason is not None):
        yield f"Accepted by {', '.join(name for name, each in reasons.items() if each == reason)}: {reason}"
