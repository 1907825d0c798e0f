"""Approving the removal of an index: the stack file gets the line that is then reviewed, in one piece. Asks no AWS."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schema.errors import UsageError
from schema.model import Schema
from stack.file.approving import with_approval
from stack.file.config import guess, load_config
from stack.file.settings import Approval
from stack.world.managed import index_resource


@dataclass(frozen=True)
class Approved:
    """An approval that was written: in which file, and for which index (`<table>/<index>`)."""

    file: Path
    resource: str
    approval: Approval


def approve(
    schema: Schema,
    checkout: Path,
    stack: str,
    table: str | None,
    index: str | None,
    by: str | None,
    *,
    application_updated: bool,
    tests_passed: bool,
) -> Approved:
    """Writes the approval to remove a retired index into the stack file. Raises UsageError; nothing is changed then."""
    if table is None or index is None:
        raise UsageError("No index is named.", "An approval is for one retired index.", "Add --table and --index.")
    resource = _retired(schema, table, index)
    if by is None or not by.strip() or not by.isprintable():
        raise UsageError(
            "--by names nobody.", "A person answers for the removal of an index.", 'Add --by "Jane Doe", on one line.'
        )
    stated = {"--application-updated": application_updated, "--tests-passed": tests_passed}
    missing = [flag for flag, given in stated.items() if not given]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not stated.",
            f"Who approves says that the application no longer reads {index}, and that its tests passed without it.",
            f"Make sure of it, then add {' '.join(missing)}.",
        )
    path = load_config(stack, checkout, schema).stack_file.resolve()
    at = datetime.now(UTC).replace(microsecond=0)
    approval = Approval.model_validate({"applicationUpdated": True, "testsPassed": True, "by": by, "at": at})
    _replace(path, stack, with_approval(path.read_bytes().decode(), resource, approval), schema)
    return Approved(path, resource, approval)


def _retired(schema: Schema, table: str, index: str) -> str:
    """The name of a retired index, `<table>/<index>`. Raises UsageError for any other."""
    resource = index_resource(table, index)
    retired = [index_resource(known.name, old.name) for known in schema for old in known.retired]
    if resource not in retired:
        raise UsageError(
            f"{resource} is no retired index.",
            f"Only a retired index is ever removed; there are: {', '.join(retired) or 'none'}.",
            guess(resource, retired) or "Name one of them with --table and --index.",
        )
    return resource


def _replace(path: Path, stack: str, text: str, schema: Schema) -> None:
    """Puts the text in the file's place, once it was read back as a stack file."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as directory:
            written = Path(directory) / f"Pulumi.{stack}.yaml"
            written.write_bytes(text.encode())
            load_config(stack, Path(directory), schema)
            written.chmod(path.stat().st_mode & 0o7777)
            if not os.access(path, os.W_OK):
                raise PermissionError(f"{path.name} is read-only")
            written.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be written.", f"{error}. Nothing was changed.", "Make it writable, then repeat."
        ) from None
