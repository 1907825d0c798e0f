"""The schema at another commit, for rules about a change. That commit's own code is run to tell it, in a copy."""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from schema.errors import UsageError
from stack.lint.finding import Earlier

TOOL = Path(__file__).resolve().parents[2]
"""The tool's own folder, which a project may be in, or beside."""
ANSWER_SECONDS = 120
"""After so long git, or the schema's own code, is given up: both take about a second."""


def facts(schema: Any) -> dict[str, Any]:
    """What a schema says of its tables and indexes. It is run by older versions of this code, too, and so asks a schema
    only for what each version has."""

    def definition(index: Any) -> str:
        keys = [index.partition_key, *([index.sort_key] if index.sort_key else [])]
        copies = [str(index.projection.type), *sorted(index.projection.attributes)]
        return ", ".join([*(f"{key.name} ({key.type})" for key in keys), *copies])

    return {
        "tables": [table.name for table in schema.tables],
        "declared": {
            f"{table.name}/{index.name}": definition(index) for table in schema.tables for index in table.indexes
        },
        "retired": {
            f"{table.name}/{old.index.name}": definition(old.index) for table in schema.tables for old in table.retired
        },
    }


_PROGRAM = f"""\
import json
from typing import Any
import tasks
{inspect.getsource(facts)}
print(json.dumps(facts(tasks.ns.configuration()["keyshift"]["workspace"].project.schema)))
"""


def schema_at(folder: Path, commit: str) -> Earlier:
    """The schema of the project in that folder, at a commit of its repository, such as `origin/main`. Raises
    UsageError."""
    found = _git(folder, commit, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    root = Path(_git(folder, commit, "rev-parse", "--show-toplevel").decode().strip()).resolve()
    archive = _git(root, commit, "archive", "--format=tar", found.decode().strip())
    with tempfile.TemporaryDirectory(prefix="keyshift-lint-") as directory:
        copy = Path(directory)
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(copy, filter="data")
        except tarfile.TarError as error:
            raise _not_read(commit, f"Its files cannot be unpacked: {str(error).splitlines()[0]}") from None
        tool = copy / TOOL.relative_to(root) if TOOL.is_relative_to(root) else TOOL
        project = copy / folder.resolve().relative_to(root)
        if not project.is_dir():
            raise _not_read(commit, f"The folder {project.relative_to(copy)} is not in it")
        try:
            told = subprocess.run(
                [sys.executable, "-c", _PROGRAM],
                cwd=project,
                env={**os.environ, "PYTHONPATH": str(tool)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _given_up(commit, sys.executable) from None
    if told.returncode:
        raise _not_read(commit, (told.stderr.strip().splitlines() or ["It says nothing"])[-1])
    return Earlier(commit=commit, **json.loads(told.stdout))


def _git(folder: Path, commit: str, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    try:
        found = subprocess.run(command, capture_output=True, timeout=ANSWER_SECONDS, check=False)
    except OSError as error:
        raise _not_read(commit, str(error)) from None
    except subprocess.TimeoutExpired:
        raise _given_up(commit, command[0]) from None
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip().splitlines()
        raise _not_read(commit, said[-1] if said else "There is no such commit here")
    return found.stdout


def _given_up(commit: str, program: str) -> UsageError:
    return _not_read(commit, f"{Path(program).name} gave no answer in {ANSWER_SECONDS} seconds")


def _not_read(commit: str, why: str) -> UsageError:
    return UsageError(
        f"The schema at {commit} cannot be read.",
        f"{why.rstrip('.')}.",
        "Name a commit that this clone has, and that has this project; or leave --against out.",
    )
