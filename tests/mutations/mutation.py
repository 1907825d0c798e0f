"""The mutations that this folder lists: faults, each of which would hurt a user, and the tests that see it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent


class CannotApply(Exception):
    """The text that a mutation replaces does not occur exactly once in its file."""


@dataclass(frozen=True)
class Mutation:
    """One fault. Its `old` text, which occurs once in `file`, becomes `new`. `meaning` says in words what goes wrong
    then, so that the same fault can be planted in other code. `tests` are the arguments of a pytest that fails then.
    `area` is the name of the list that holds it."""

    id: str
    area: str
    meaning: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """The text of the file with the fault in it. Raises CannotApply."""
        found = text.count(self.old)
        if found != 1:
            raise CannotApply(f"its old text occurs {found} times in {self.file}")
        return text.replace(self.old, self.new)

    def planted_in(self, checkout: Path) -> str:
        """The text of its file in that checkout, with the fault in it. Raises CannotApply."""
        path = checkout / self.file
        if not path.is_file():
            raise CannotApply(f"there is no file {self.file}")
        return self.planted(path.read_text(encoding="utf-8"))


def all_mutations(folder: Path = FOLDER) -> list[Mutation]:
    """Every mutation, area by area, in the order of the lists."""
    return [
        Mutation(id=id, area=path.stem, **{**entry, "tests": tuple(entry["tests"])})
        for path in sorted(folder.glob("*.toml"))
        for id, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()
    ]
