"""Where things stand: the line on which the project's Python files declare a name, and the line of a value in a stack
file. Files are read, never run."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from schema.model import Schema
from stack.file.document import PROJECT_FILE

_IMPORTS_SCHEMA = re.compile(r"^\s*(from|import) schema\b", re.MULTILINE)
_NOT_SOURCES = {"node_modules", "tests", "venv"}


@dataclass(frozen=True)
class Place:
    """Lines `first` to `last` of a file, which is named relative to the project's folder."""

    file: str
    first: int
    last: int


@dataclass(frozen=True)
class Declarations:
    """The places at which tables, indexes (as `table/index`) and access patterns are declared: those calls that give
    the name as a text, at first or as `name`. Names that no call gives so are not here."""

    places: dict[str, Place] = field(default_factory=dict)

    @staticmethod
    def of(folder: Path, schema: Schema) -> Declarations:
        """Looks through the Python files of a project; of folders that hold another project, none is read."""
        names = {pattern.name for pattern in schema.access_patterns} | {table.name for table in schema}
        names |= {ref.index for ref in schema.every_ref}
        calls = [call for path in _sources(folder) for call in _calls(path, folder, names)]
        found: dict[str, Place] = {}
        for table in schema:
            tables = [place for name, place in calls if name == table.name]
            # The longest one: a table's name is also given by what refers to it.
            ordered = sorted(tables, key=lambda place: place.first - place.last)
            _put(found, table.name, ordered)
            for index in table.every_index:
                named = [place for name, place in calls if name == index.name]
                within = [place for place in named if any(_holds(outer, place) for outer in ordered[:1])]
                _put(found, f"{table.name}/{index.name}", within or named)
        for pattern in schema.access_patterns:
            _put(found, pattern.name, [place for name, place in calls if name == pattern.name])
        return Declarations(found)

    def of_subject(self, subject: str) -> Place:
        """The place of a subject; of its table, if it has none of its own; else the beginning of Pulumi.yaml."""
        table = subject.partition("/")[0]
        return self.places.get(subject) or self.places.get(table) or Place(PROJECT_FILE, 1, 1)


def _put(found: dict[str, Place], name: str, places: Iterable[Place]) -> None:
    for place in places:
        found.setdefault(name, place)


def _holds(outer: Place, inner: Place) -> bool:
    return outer.file == inner.file and outer.first <= inner.first and inner.last <= outer.last


def _sources(folder: Path) -> Iterator[Path]:
    """The Python files that use the schema's words."""
    for root, folders, files in os.walk(folder):
        here = Path(root)
        another = here != folder and PROJECT_FILE in files
        folders[:] = [] if another else sorted(set(folders) - _NOT_SOURCES - {n for n in folders if n.startswith(".")})
        for name in sorted(files):
            if not another and name.endswith(".py"):
                yield here / name


def _calls(path: Path, folder: Path, names: Collection[str]) -> Iterator[tuple[str, Place]]:
    """Every call that gives one of the names as a text, with its lines."""
    try:
        text = path.read_text(encoding="utf-8")
        if not _IMPORTS_SCHEMA.search(text) or not any(name in text for name in names):
            return
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value in names:
                    where = path.relative_to(folder).as_posix()
                    yield value.value, Place(where, node.lineno, node.end_lineno or node.lineno)


def line_of(text: str, path: Iterable[str]) -> int:
    """The line (from 1) of the value at that path below `config:`, as far as the path is there."""
    yaml = YAML(typ="rt")
    yaml.version = (1, 1)
    node, line = yaml.load(text), 1
    for part in ("config", *path):
        if isinstance(node, CommentedMap) and part in node:
            line, node = node.lc.key(part)[0] + 1, node[part]
        elif isinstance(node, CommentedSeq) and part.isdecimal() and int(part) < len(node):
            line, node = node.lc.item(int(part))[0] + 1, node[int(part)]
        else:
            break
    return line
