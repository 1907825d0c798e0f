"""The project as a person wrote it: what is wrong with it is one clear error, before anything uses it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke.exceptions import Exit

from schema.errors import ToolError, UsageError

TOOL = {"backfills", "components", "dynamo", "local", "migration", "schema", "stack", "terminal"}
"""The tool's own folders: an error that comes from there was caused by what called them."""


@contextmanager
def project_errors(folder: Path) -> Iterator[None]:
    """While the project in this folder is loaded: an error of its files becomes a UsageError with the file and line."""
    try:
        yield
    except (ToolError, Exit):
        raise
    except Exception as error:  # noqa: BLE001  # the files are code: they may fail in any way
        raise _wrong(error, folder) from None


def _wrong(error: Exception, folder: Path) -> UsageError:
    message, file, line = str(error), "tasks.py", None
    for frame in traceback.extract_tb(error.__traceback__):
        if (own := _own(frame.filename, folder)) is not None:
            file, line = own, frame.lineno
    if isinstance(error, SyntaxError) and error.filename and (own := _own(error.filename, folder)) is not None:
        message, file, line = error.msg, own, error.lineno
    if isinstance(error, ImportError) and error.path and (own := _own(error.path, folder)) is not None:
        file, line = own, None
    where = f"{file}, line {line}" if line else file
    return UsageError(
        f"The schema is wrong: {message}.", f"{type(error).__name__} in {where}.", f"Correct {file} and run again."
    )


def _own(filename: str, folder: Path) -> str | None:
    """The path of one of the project's own files below its folder; None for any other file."""
    path = Path(filename)
    if not path.is_relative_to(folder):
        return None
    inside = path.relative_to(folder)
    return None if inside.parts[0] in TOOL or ".venv" in inside.parts else inside.as_posix()
