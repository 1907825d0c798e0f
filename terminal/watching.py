"""`./invoke watch`: looks for late writers, at the stack's interval, until every new index is read-ready."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from migration.run.runner import WATCH, run
from migration.session.context import Context
from migration.session.waiting import pause_here
from migration.steps.step import Action, Plan, Step
from schema.model import Index, Table
from stack.gates.late_writers import needs_watch, next_look, read_ready
from stack.world.managed import index_resource
from stack.world.world import World
from terminal.output import console, grid_of


def watch(context: Context, table: str | None, *, once: bool) -> World:
    """Looks until nothing is left to watch, or once. Returns the world then. Raises ToolError, Interrupted."""
    with context.interrupts.caught():
        while True:
            names = _watched(context, context.read_world(), table)

            def looks(plan: Plan, names: list[str] = names) -> Plan:
                return plan.looks_only(names)

            if names:
                run(context, looks, WATCH, table)
            world = context.read_world()
            left = _watched(context, world, table)
            if once or not left:
                return world
            _wait(context, world, left)


def _wait(context: Context, world: World, names: list[str]) -> None:
    settings = context.config.settings.late_writers
    records = [record for name in names if (record := world.proofs.of("watch", name)) is not None]
    due = min(next_look(record, settings) for record in records)
    began = datetime.now(UTC)
    context.reporter.started(Step(Action.WATCH, tuple(names)), 1, 1)
    while (now := datetime.now(UTC)) < due:
        text = "; ".join(f"{name}: {record['unready']}" for name, record in zip(names, records, strict=True))
        context.reporter.progress(int((now - began).total_seconds()), int((due - began).total_seconds()), text)
        pause_here(context)


def _watched(context: Context, world: World, only: str | None) -> list[str]:
    """The tables with an index that is verified and not read-ready."""
    unready = (table.name for table, index in _built(context, world, only) if not _state(table, index, world)[0])
    return list(dict.fromkeys(unready))


def _built(context: Context, world: World, only: str | None) -> list[tuple[Table, Index]]:
    return [
        (table, index)
        for table in context.schema
        for index in table.indexes
        if only in {None, table.name} and needs_watch(table, index)
        if "verified" in (world.proofs.of("index", index_resource(table.name, index.name)) or {})
    ]


def _state(table: Table, index: Index, world: World) -> tuple[bool, str]:
    return read_ready(table, index, world.live.get(table.name), world.proofs)


def watched_document(context: Context, world: World, only: str | None) -> dict[str, Any]:
    """How far the watch is, for `--json`: each new index of a live table, whether it is read-ready, and why."""
    found = [
        {"index": index_resource(table.name, index.name), "read_ready": ready, "evidence": evidence}
        for table, index in _built(context, world, only)
        for ready, evidence in [_state(table, index, world)]
    ]
    return {"stack": context.config.stack, "indexes": found}


def print_watched(document: dict[str, Any]) -> None:
    """A line for each index."""
    out = console()
    if not document["indexes"]:
        out.print(f"No index of stack {document['stack']} is built yet that late writers could keep items out of.")
    grid = grid_of("", "new index")
    for found in document["indexes"]:
        grid.add_row("[green]ok[/]" if found["read_ready"] else "[yellow]no[/]", found["evidence"])
    if document["indexes"]:
        out.print(grid)
