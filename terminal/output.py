"""Results as tables for a person."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table as Grid

from backfills.run.survey import Survey
from backfills.run.undo import Undone
from migration.run.runner import Done, Summary
from migration.run.status import State
from migration.session.engine import Change
from migration.steps.step import Action, Plan
from schema.model import Schema
from stack.gates.claims import Claim

_COLOR = {
    "active": "green",
    "read-ready": "green",
    "built": "yellow",
    "missing": "yellow",
    "retired": "dim",
    "building": "cyan",
    "awaiting removal": "yellow",
}


def console() -> Console:
    """Standard output; as wide as the terminal, or 120 columns into a file or pipe."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def grid_of(*headings: str, title: str | None = None) -> Grid:
    """An empty table with these columns, in which long texts are folded."""
    grid = Grid(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        grid.add_column(heading, overflow="fold")
    return grid


def print_plan(stack: str, plan: Plan) -> None:
    """The steps in order with the reason of each, then what waits and what is left alone."""
    out = console()
    if plan.steps:
        grid = Grid(title=f"Plan for stack {stack}", title_justify="left", box=None, pad_edge=False)
        grid.add_column("", justify="right", style="dim")
        for heading in ("step", "on", "why"):
            grid.add_column(heading, overflow="fold")
        for number, step in enumerate(plan.steps, 1):
            grid.add_row(str(number), step.action.value, step.subject, step.why)
        out.print(grid)
    else:
        out.print(f"Nothing to do on stack {stack}.")
    _print_rest(out, stack, plan)


def print_summary(stack: str, schema: Schema, summary: Summary) -> None:
    """What a run did, how long it took, and what waits."""
    out = console()
    if summary.run is None and summary.narrowed_to:
        out.print(f"Nothing to do for {summary.narrowed_to} on stack {stack}.")
    elif summary.run is None and not summary.held:
        out.print(
            f"Nothing to do: stack {stack} is at schema {schema.digest}, "
            f"{len(schema.tables)} tables and {schema.index_count} indexes, all verified."
        )
    elif summary.run is not None:
        _print_totals(out, schema, summary)
        for note in schema.notes:
            out.print(note)
    _print_rest(out, stack, summary)


def print_status(states: list[State]) -> None:
    """Tables and their indexes, a line each."""
    grid = grid_of("table", "index", "state", "detail")
    for state in states:
        color = _COLOR.get(state.state, "")
        word = f"[{color}]{state.state}[/]" if color else state.state
        grid.add_row("" if state.index else f"[bold]{state.table}[/]", state.index or "", word, state.detail)
    console().print(grid)


def print_checks(checks: list[Claim], schema: Schema) -> None:
    """Every check, then how many hold."""
    grid = grid_of("", "checked", "seen")
    for check in checks:
        grid.add_row("[green]ok[/]" if check.holds else "[red]FAILED[/]", check.name, check.evidence)
    out = console()
    out.print(grid)
    out.print(f"\n{sum(check.holds for check in checks)} of {len(checks)} checks hold.")
    for note in schema.notes:
        out.print(note)


def print_changes(stack: str, changes: list[Change]) -> None:
    """What Pulumi would change, a line each."""
    out = console()
    if not changes:
        out.print(f"No change: Pulumi's state of stack {stack} is as declared.")
        return
    grid = grid_of("operation", "resource", "what differs", title=f"Preview of stack {stack}")
    for change in sorted(changes, key=lambda change: (change.resource, change.operation)):
        grid.add_row(change.operation, change.resource, ", ".join(change.properties))
    out.print(grid)


def print_surveys(surveys: Mapping[str, Survey], *, check: bool) -> None:
    """Each table's counts, a few examples, and what stands in the way of its indexes."""
    out = console()
    for name, survey in surveys.items():
        counts = survey.counts
        found = f"{counts.remaining:,} have gone stale" if check else f"{counts.remaining:,} would change"
        mended = f", {counts.changed:,} of them mended" if check and counts.changed else ""
        out.print(f"[bold]{name}[/]: {counts.scanned:,} items looked at, {found}{mended}.")
        for example in survey.examples:
            values = ", ".join(_changed(name, example["was"][name], value) for name, value in example["values"].items())
            out.print(f"  {example['key']}: {values}", markup=False)
        for reason, count in counts.violations.items():
            out.print(f"  left out: {count:,} × {reason}", markup=False)
        for spread in survey.spreads:
            out.print(f"  {spread.index} by {spread}", markup=False)


def _changed(attribute: str, was: Mapping[str, object] | None, value: str) -> str:
    if was is None:
        return f"{attribute} = {value!r}"
    return f"{attribute} = {next(iter(was.values()))!r}, should be {value!r}"


def print_undone(stack: str, table: str, undone: Undone) -> None:
    """What a rollback of a backfill did."""
    console().print(
        f"Backfill of {table} on stack {stack}: {undone.back:,} changes taken back; {undone.kept:,} left, because the "
        "application has changed or deleted the item since."
    )


def confirmed(question: str) -> bool:
    """Asks on the terminal; without one the answer is no."""
    return sys.stdin.isatty() and Confirm.ask(question, default=False, console=Console(stderr=True))


def _print_totals(out: Console, schema: Schema, summary: Summary) -> None:
    done: dict[Action, list[Done]] = {}
    for one in summary.done:
        done.setdefault(one.step.action, []).append(one)
    grid = Grid(title="Done", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in ("step", "what", "seconds"):
        grid.add_column(heading, overflow="fold", justify="right" if heading == "seconds" else "left")
    for action, ones in done.items():
        changed = sum(one.facts["changed"] for one in ones if action is Action.BACKFILL)
        what = ", ".join(one.step.subject for one in ones) or "the whole stack"
        counted = f" ({changed:,} items)" if changed else ""
        grid.add_row(action.value, what + counted, f"{sum(one.seconds for one in ones):.1f}")
    out.print(grid)
    out.print(
        f"\nRun {summary.run}: {len(summary.done)} steps, {summary.ups} `pulumi up`, {summary.seconds:.0f} s; "
        f"schema {schema.digest}."
    )


def _print_rest(out: Console, stack: str, source: Plan | Summary) -> None:
    for held in source.held:
        what = "is built, and not read-ready yet" if held.is_new else "can not be removed yet"
        out.print(f"\n[yellow]Waiting:[/] {held.subject} {what}.")
        for condition in held.shut:
            out.print(f"  {condition.name}: {condition.evidence}", markup=False)
    if any(held.is_new for held in source.held):
        out.print(f"Run: ./invoke watch --stack {stack}", style="dim")
    if any(not held.is_new for held in source.held):
        out.print(f"Run: ./invoke gate --stack {stack}", style="dim")
    for line in source.left_alone:
        out.print(f"Left alone: {line}.")
