"""A benchmark's result as tables for a person."""

from __future__ import annotations

from typing import Any

from rich.table import Table as Grid

from terminal.output import console

COLUMNS = (
    "way",
    "items",
    "items/s",
    "client µs/item",
    "requests",
    "statements",
    "read units",
    "write units",
    "peak MB",
)


def print_result(result: dict[str, Any]) -> None:
    """Each measurement a line, then what was to be reached and what was."""
    out = console()
    out.print(result["machine"])
    grid = Grid(box=None, pad_edge=False)
    for heading in COLUMNS:
        grid.add_column(heading, justify="left" if heading == "way" else "right")
    for one in (*result["rounds"], *result["growth"]):
        grid.add_row(
            one["way"],
            f"{one['items']:,}",
            f"{one['items_per_second']:,.0f}",
            f"{one['cpu_microseconds_per_item']:,.0f}",
            f"{sum(one['requests'].values()):,}",
            f"{one['statements']:,}",
            f"{one['read_units']:,.0f}",
            # The server names no units for batches: these items are below 1 KB, so a statement is a unit.
            f"{one['write_units'] or one['statements']:,.0f}",
            f"{one['peak_bytes'] / 1e6:,.0f}",
        )
    out.print(grid)
    for claim in result["claims"]:
        wanted = f"≥ {claim['at_least']}" if claim["at_least"] is not None else f"≤ {claim['at_most']}"
        mark = "[green]reached[/]" if claim["reached"] else "[red]missed[/]"
        out.print(f"{claim['claim']}: {claim['value']:.3g} (to be {wanted}) {mark}")
