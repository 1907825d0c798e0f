"""A stack's configuration without the CLI: what Pulumi makes of a plain file, for tests of what we make of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schema.project import Project
from stack.file.config import StackConfig, config_of
from stack.file.document import StackFile, read_stack_file
from stack.file.resolving import Resolved


def configured(stack: str, checkout: Path, project: Project, secrets: frozenset[str] = frozenset()) -> StackConfig:
    """The settings of a stack whose file holds plain values; those of `secrets` (full keys) are told to be secret."""
    file = read_stack_file(stack, checkout, project)
    return config_of(file.name, file.path, project, resolved(file, secrets))


def resolved(file: StackFile, secrets: frozenset[str] = frozenset()) -> Resolved:
    """The file's values as texts. tests/e2e/test_configuration.py compares them with the CLI's own."""
    return Resolved({key: _text(value) for key, value in file.config.items()}, secrets)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
