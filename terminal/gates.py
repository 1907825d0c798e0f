"""The gates of a stack, for `./invoke gate`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from migration.session.context import Context
from stack.gates.gate import APPROVED, READ_READY, Condition, gate
from stack.world.managed import index_resource
from terminal.output import console, grid_of


@dataclass(frozen=True)
class Gate:
    """The gate of one retired index that is live, condition by condition."""

    subject: str
    conditions: tuple[Condition, ...]

    @property
    def is_open(self) -> bool:
        return all(condition.holds for condition in self.conditions)


def gates(context: Context, only: tuple[str | None, str | None]) -> list[Gate]:
    """The gates of all retired indexes that are live, of one table's, or one. Reads only. Raises ToolError."""
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    return [
        Gate(
            index_resource(table.name, retired.name),
            tuple(gate(context.schema, table, retired, context.config.settings, world)),
        )
        for table in context.schema
        for retired in table.retired
        if only[0] in {None, table.name} and only[1] in {None, retired.name}
        if table.name in world.live and retired.name in world.live[table.name].indexes
    ]


def print_gates(stack: str, found: list[Gate]) -> None:
    """Each gate with its conditions and their evidence, and what to do next."""
    out = console()
    if not found:
        out.print(f"No index of stack {stack} waits to be removed.")
        return
    for one in found:
        state = "[green]open[/]" if one.is_open else "[yellow]shut[/]"
        grid = grid_of("", "condition", "evidence", title=f"Gate for removing {one.subject}: {state}")
        for condition in one.conditions:
            grid.add_row("[green]ok[/]" if condition.holds else "[red]no[/]", condition.name, condition.evidence)
        out.print(grid)
        out.print(f"Run: {_next(one)} --stack {stack}", style="dim", markup=False)


def _next(one: Gate) -> str:
    """The command that goes on, by the first condition that does not hold."""
    first = next((condition.name for condition in one.conditions if not condition.holds), "")
    table, _, index = one.subject.partition("/")
    return {
        READ_READY: "./invoke watch",
        APPROVED: f"./invoke approve --table {table} --index {index} --by NAME --application-updated --tests-passed",
    }.get(first, "./invoke migrate")


def gates_document(stack: str, found: list[Gate]) -> dict[str, Any]:
    """The gates for `--json`."""
    return {
        "stack": stack,
        "gates": [
            {"index": one.subject, "open": one.is_open, "conditions": [asdict(each) for each in one.conditions]}
            for one in found
        ],
    }
