"""The project as a person wrote it: a mistake in its files is one clear error, before anything uses them."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke.exceptions import Exit

from schema.errors import ToolError, UsageError
from terminal.workspace import TOOL

_READERS = {"schema", ".venv"}
"""Folders of the tool whose code a project calls: what is raised there is a mistake of the file that called it."""
_TOOL = {"backfills", "benchmarks", "components", "dynamo", "local", "migration", "stack", "terminal"}
"""Its other folders: what is raised there is no mistake of the project."""


@contextmanager
def in_project(directory: Path) -> Iterator[None]:
    """Turns whatever is raised by the project's own files into a UsageError that names the file and the line."""
    try:
        yield
    except (Exit, ToolError):
        raise
    except Exception as error:
        where = _where(error, directory)
        if where is None:
            raise
        file, line = where
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(
            f"The schema is wrong: {message}.",
            f"{type(error).__name__} in {file}{f', line {line}' if line else ''}.",
            f"Correct {file} and run again.",
        ) from None


def _where(error: Exception, directory: Path) -> tuple[Path, int | None] | None:
    """The project's file that is wrong, and its line if one is known; None for an error that is not the project's."""
    found = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        found.append((error.filename, error.lineno))
    elif isinstance(error, ImportError) and error.path:
        found.append((error.path, None))
    for name, line in reversed(found):
        for folder in (directory, TOOL):
            file = Path(name).relative_to(folder) if Path(name).is_relative_to(folder) else None
            if file is not None and file.parts[0] not in _READERS:
                return (file, line) if folder == directory and file.parts[0] not in _TOOL else None
    return None
