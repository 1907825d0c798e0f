"""What a result is made of when a person reads it: lines, tables, and words in colour."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

Cell = str | Text
Line = str | Text | Grid
"""A str is written as it is; what has colours or columns is laid out by rich."""


def grid(
    headings: Iterable[str], rows: Iterable[Iterable[Cell]], title: Cell | None = None, right: Collection[str] = ()
) -> Grid:
    """A table in which long texts are folded; the columns named in `right` are aligned to the right."""
    made = Grid(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold", justify="right" if heading in right else "left")
    for row in rows:
        # As Text, for a str would be searched for markup.
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def mark(holds: bool, no: str = "no", style: str = "red") -> Text:
    """A green `ok`, or the word for what does not hold."""
    return Text("ok", "green") if holds else Text(no, style)


def write(lines: Iterable[Line]) -> None:
    """Writes to standard output; tables are as wide as the terminal, or 120 columns in a file or pipe."""
    out = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for line in lines:
        if isinstance(line, str):
            sys.stdout.write(f"{line}\n")
        else:
            out.print(line, soft_wrap=isinstance(line, Text))
