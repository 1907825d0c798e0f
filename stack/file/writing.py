"""Approving the removal of an index: the stack file gets the line that is then reviewed, in one piece. Asks no AWS."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schema.errors import UsageError
from schema.model import Schema
from schema.project import Project
from schema.references import IndexRef
from stack.file.approving import with_approval
from stack.file.config import PROJECT_FILE, StackConfig, guess, load_config
from stack.file.settings import Approval


@dataclass(frozen=True)
class Approved:
    """An approval that was written: in which file, under which setting, and for which index."""

    file: Path
    setting: str
    ref: IndexRef
    approval: Approval


def approve(
    project: Project,
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
    ref = _retired(project.schema, IndexRef(table, index))
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
    config = load_config(stack, checkout, project)
    path, setting = config.stack_file.resolve(), config.setting("approvals")
    at = datetime.now(UTC).replace(microsecond=0)
    approval = Approval.model_validate({"applicationUpdated": True, "testsPassed": True, "by": by, "at": at})
    _replace(path, config, with_approval(path.read_bytes().decode(), setting, str(ref), approval), project)
    return Approved(path, setting, ref, approval)


def _retired(schema: Schema, ref: IndexRef) -> IndexRef:
    """The name of a retired index. Raises UsageError for any other."""
    retired = [str(old.ref(table)) for table in schema for old in table.retired]
    if str(ref) not in retired:
        raise UsageError(
            f"{ref} is no retired index.",
            f"Only a retired index is ever removed; there are: {', '.join(retired) or 'none'}.",
            guess(str(ref), retired) or "Name one of them with --table and --index.",
        )
    return ref


def _replace(path: Path, config: StackConfig, text: str, project: Project) -> None:
    """Puts the text in the file's place, once it was read back as a stack file."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as directory:
            written = Path(directory) / config.stack_file.name
            written.write_bytes(text.encode())
            shutil.copy(config.checkout / PROJECT_FILE, directory)
            load_config(config.stack, Path(directory), project)
            written.chmod(path.stat().st_mode & 0o7777)
            if not os.access(path, os.W_OK):
                raise PermissionError(f"{path.name} is read-only")
            written.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be written.", f"{error}. Nothing was changed.", "Make it writable, then repeat."
        ) from None
