"""The documents as data: their fenced blocks and their commands, for tests that hold them to the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text without the fences, and the paragraph before it."""

    language: str
    text: str
    before: str

    @property
    def files(self) -> list[str]:
        """The files that the paragraph before it names."""
        return re.findall(r"`([\w./]+\.(?:py|yaml|yml))`", self.before)


@dataclass(frozen=True)
class Command:
    """A line that a person types, and the lines that the document shows below it."""

    line: str
    output: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block of a document, in order."""
    before = ""
    for part in re.split(r"^(```\w*\n.*?^```)$", text, flags=re.MULTILINE | re.DOTALL):
        if part.startswith("```"):
            opening, _, rest = part.partition("\n")
            yield Block(opening.removeprefix("```"), rest.removesuffix("```"), before)
        before = part.strip().split("\n\n")[-1]


def commands(block: Block) -> list[Command]:
    """The commands of a `console` block: a line that begins with `$ ` is typed, what follows it is shown."""
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line.removeprefix("$ "), ()))
        elif line.startswith("> "):
            found[-1] = Command(f"{found[-1].line}\n{line.removeprefix('> ')}", ())
        elif found:
            found[-1] = Command(found[-1].line, (*found[-1].output, line))
    return found
