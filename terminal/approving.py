"""What `./invoke approve` does: a reviewed line in the stack file, without asking AWS."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema.errors import UsageError
from schema.model import Schema
from schema.project import Project
from stack.file.approving import approval_record, with_approval
from stack.file.config import PROJECT_FILE, StackConfig, guess, load_config
from stack.file.settings import Approval
from stack.world.managed import index_resource


@dataclass(frozen=True)
class Approved:
    """An approval that was written."""

    stack: str
    file: Path
    setting: str
    resource: str
    approval: Approval

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        record = approval_record(self.approval)
        return {"stack": self.stack, "file": self.file.name, "index": self.resource, "approval": record}

    def text(self) -> str:
        """For a person: what was written, and what to do next."""
        record = approval_record(self.approval)
        return (
            f"{self.file.name}: {self.setting} now lets {self.resource} go, says {record['by']}, {record['at']}.\n"
            "Next: commit the file and open a pull request.\n"
            f"  ./invoke preview --stack {self.stack}    shows exactly one deletion, once the index is adopted\n"
            f"  ./invoke migrate --stack {self.stack}    removes the index, once the rest of its gate is open"
        )


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
    """Writes leave to remove a retired index into the stack file, in one piece. Raises UsageError: nothing changed."""
    if table is None or index is None:
        raise UsageError("No index is named.", "An approval is for one retired index.", "Add --table and --index.")
    resource = _retired(project.schema, table, index)
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
    _replace(path, config, with_approval(path.read_bytes().decode(), setting, resource, approval), project)
    return Approved(stack, path, setting, resource, approval)


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
            f"{path.name} can not be written.", f"{error}. Nothing was changed.", "Make it writable, then repeat."
        ) from None
