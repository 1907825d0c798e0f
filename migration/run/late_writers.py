"""Looking for late writers at the stack's interval, until every new index is read-ready."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from migration.run.runner import LATE_WRITERS, run
from migration.session.context import Context
from migration.session.waiting import pause_here
from migration.steps.step import Action, Plan, Step
from schema.model import Index, Table
from stack.gates.late_writers import needs_watch, next_look, read_ready
from stack.world.managed import index_resource
from stack.world.world import World


@dataclass(frozen=True)
class Readiness:
    """One verified index that late writers could leave items out of: whether it is read-ready, and the evidence."""

    index: str
    read_ready: bool
    evidence: str


def find_late_writers(context: Context, table: str | None, *, once: bool) -> World:
    """Looks until every index is read-ready, or once. Returns the world then. Raises ToolError, Interrupted."""
    with context.interrupts.caught():
        while True:
            if names := _unready(context, context.read_world(), table):
                run(context, partial(Plan.looks_only, tables=names), LATE_WRITERS, table)
            world = context.read_world()
            left = _unready(context, world, table)
            if once or not left:
                return world
            _wait(context, world, left)


def readiness(context: Context, world: World, table: str | None) -> list[Readiness]:
    """Each index that late writers could leave items out of, of one table or of all."""
    return [
        Readiness(index_resource(found.name, index.name), *read_ready(found, index, live, world.proofs))
        for found, index in _verified(context, world, table)
        for live in [world.live.get(found.name)]
    ]


def _wait(context: Context, world: World, names: list[str]) -> None:
    """Waits until the next look is due."""
    settings = context.config.settings.watch
    records = [record for name in names if (record := world.proofs.of("watch", name)) is not None]
    due = min(next_look(record, settings) for record in records)
    began = datetime.now(UTC)
    context.observer.started(Step(Action.WATCH, tuple(names)), 1, 1)
    while (now := datetime.now(UTC)) < due:
        text = "; ".join(f"{name}: {record['unready']}" for name, record in zip(names, records, strict=True))
        context.observer.progress(int((now - began).total_seconds()), int((due - began).total_seconds()), text)
        pause_here(context)


def _unready(context: Context, world: World, only: str | None) -> list[str]:
    """The tables with an index that is verified and not read-ready."""
    unready = (
        table.name
        for table, index in _verified(context, world, only)
        if not read_ready(table, index, world.live.get(table.name), world.proofs)[0]
    )
    return list(dict.fromkeys(unready))


def _verified(context: Context, world: World, only: str | None) -> Iterator[tuple[Table, Index]]:
    for table in context.schema:
        for index in table.indexes:
            proof = world.proofs.of("index", index_resource(table.name, index.name))
            if only in {None, table.name} and needs_watch(table, index) and "verified" in (proof or {}):
                yield table, index
