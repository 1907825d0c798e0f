"""A benchmark's result as tables for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from terminal.reporting import Line, Result, grid

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


@dataclass(frozen=True)
class BenchResult(Result):
    """Each measurement, then what was to be reached and what was."""

    result: dict[str, Any]

    def document(self) -> dict[str, Any]:
        return self.result

    def text(self) -> Iterator[Line]:
        yield self.result["machine"]
        yield grid(COLUMNS, map(_row, (*self.result["rounds"], *self.result["growth"])), right=COLUMNS[1:])
        for claim in self.result["claims"]:
            wanted = f"≥ {claim['at_least']}" if claim["at_least"] is not None else f"≤ {claim['at_most']}"
            mark = ("reached", "green") if claim["reached"] else ("missed", "red")
            yield Text.assemble(f"{claim['claim']}: {claim['value']:.3g} (to be {wanted}) ", mark)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
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
