"""A plan, and a run of it: the steps, what is blocked, and what is left alone. What Pulumi would change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from migration.plan.findings import Finding
from migration.plan.result import Plan
from migration.run.runner import FinishedStep, Summary
from schema.errors import Waiting
from schema.model import Schema
from stack.lint.finding import Finding as LintFinding
from terminal.reporting import Line, Result, grid
from terminal.results.lint import finding_document


@dataclass(frozen=True)
class PlanResult(Result):
    """What `migrate` would do."""

    stack: str
    plan: Plan
    lint: tuple[LintFinding, ...] = ()

    def document(self) -> dict[str, Any]:
        steps = [
            {"action": step.ACTION, "tables": list(step.tables), "index": step.ref and step.ref.index, "why": step.why}
            for step in self.plan.steps
        ]
        lint = [finding_document(one) for one in self.lint]
        return {"stack": self.stack, "steps": steps, **_rest_document(self.plan), "lint": lint}

    def text(self) -> Iterator[Line]:
        steps = enumerate(self.plan.steps, 1)
        rows = [(Text(str(number), "dim"), step.ACTION, step.subject, step.why) for number, step in steps]
        if rows:
            yield grid(("", "step", "on", "why"), rows, f"Plan for stack {self.stack}", right=("",))
        else:
            yield f"Nothing to do on stack {self.stack}."
        yield from _rest(self.stack, self.plan)
        for one in self.lint:
            if one.accepted is None:
                yield Text.assemble(
                    ("Lint:", "yellow"), f" {one.code} {one.severity}, {one.file}:{one.line}: {one.what}"
                )


@dataclass(frozen=True)
class RunResult(Result):
    """What a run did, how long that took, and what is blocked now."""

    stack: str
    schema: Schema
    summary: Summary

    @property
    def exit_code(self) -> int:
        return Waiting.exit_code if self.summary.blocked else 0

    def outputs(self) -> dict[str, str | int]:
        # What waits to be removed is no part of what is proven of the new indexes.
        waiting = any(blocked.is_new for blocked in self.summary.blocked)
        return {"steps": len(self.summary.done), "read-ready": "false" if waiting else "true"}

    def document(self) -> dict[str, Any]:
        summary = self.summary
        steps = [
            {"step": done.step.name, "seconds": round(done.seconds, 3), "facts": dict(done.facts)}
            for done in summary.done
        ]
        return {
            "stack": self.stack,
            "schema": self.schema.digest,
            "run": summary.run,
            "steps": steps,
            "ups": summary.ups,
            "seconds": round(summary.seconds, 3),
            **_rest_document(summary),
        }

    def text(self) -> Iterator[Line]:
        summary, schema = self.summary, self.schema
        if summary.run is not None:
            yield grid(("step", "what", "seconds"), self._totals(), Text("Done", "bold"), right=("seconds",))
            yield (
                f"\nRun {summary.run}: {len(summary.done)} steps, {summary.ups} `pulumi up`, {summary.seconds:.0f} s; "
                f"schema {schema.digest}."
            )
            yield from schema.notes
        elif summary.narrowed_to:
            yield f"Nothing to do for {summary.narrowed_to} on stack {self.stack}."
        elif not summary.blocked:
            yield (
                f"Nothing to do: stack {self.stack} is at schema {schema.digest}, "
                f"{len(schema.tables)} tables and {schema.index_count} indexes, all verified."
            )
        yield from _rest(self.stack, summary)

    def _totals(self) -> Iterator[tuple[str, str, str]]:
        by_action: dict[str, list[FinishedStep]] = {}
        for one in self.summary.done:
            by_action.setdefault(one.step.ACTION, []).append(one)
        for action, ones in by_action.items():
            changed = sum(int(one.facts.get("changed", 0)) for one in ones)
            what = ", ".join(one.step.subject for one in ones) or "the whole stack"
            counted = f" ({changed:,} items)" if changed else ""
            yield action, what + counted, f"{sum(one.seconds for one in ones):.1f}"


def _rest_document(source: Plan | Summary) -> dict[str, Any]:
    blocked = [
        {
            "table": one.ref.table,
            "index": one.ref.index,
            "is_new": one.is_new,
            "shut": [{"condition": claim.name, "evidence": claim.evidence} for claim in one.shut],
        }
        for one in source.blocked
    ]
    found = [{"tables": list(one.tables), "text": one.text, "known": one.known} for one in source.findings]
    return {"blocked": blocked, "left_alone": list(source.left_alone), "findings": found}


def _rest(stack: str, source: Plan | Summary) -> Iterator[Line]:
    """What is blocked, what to run because of that, what is left alone, and what else was found."""
    for one in source.blocked:
        what = "is built, and not read-ready yet" if one.is_new else "cannot be removed yet"
        yield Text.assemble("\n", ("Waiting:", "yellow"), f" {one.ref} {what}.")
        yield from (f"  {claim.name}: {claim.evidence}" for claim in one.shut)
    for task, is_new in (("late-writers", True), ("gate", False)):
        if any(one.is_new is is_new for one in source.blocked):
            yield Text(f"Run: ./invoke {task} --stack {stack}", "dim")
    yield from (f"Left alone: {line}." for line in source.left_alone)
    yield from map(finding, source.findings)


def finding(one: Finding) -> Line:
    """The line for a finding."""
    about = f"{', '.join(one.tables)}: " if one.tables else ""
    heading = ("Found:", "cyan") if one.known else ("Not known:", "yellow")
    return Text.assemble(heading, f" {about}{one.text}.")
