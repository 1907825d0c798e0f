"""What Pulumi makes of a stack's configuration: stack file, project's defaults, ESC environments and secrets, merged by
Pulumi itself.

The tasks ask the CLI, once a run; the program is told by it. Both get the same texts: an object is written as JSON.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from stack.file.cli import CliError, ask
from stack.file.document import PROJECT_FILE, StackFile
from stack.file.faults import fault
from stack.file.names import is_service

_ASKED_OF_THE_PROCESS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class Resolved:
    """The values of a stack's configuration by their full keys, such as `aws:region`; `secrets` are the keys of those
    that are secret or hold a secret. `variables` are those of the environment that ESC environments set."""

    values: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def within(self, namespace: str) -> dict[str, str]:
        """The values of one namespace, by their names in it."""
        return {
            key.removeprefix(f"{namespace}:"): value
            for key, value in self.values.items()
            if key.startswith(f"{namespace}:")
        }


def resolve(file: StackFile, reference: str, environment: Mapping[str, str]) -> Resolved:
    """Asks the CLI. `reference` is what Pulumi calls the stack, `environment` is added to the process's own.

    The files are resolved in a copy, so that nothing can be written into them; and in a backend of their own, so that
    the stack need not have been created, and nobody need be asked. Only Pulumi's service resolves ESC environments, and
    has the keys of stacks that name no secrets provider. Raises UsageError for what cannot be resolved.
    """
    service = is_service(file.backend)
    if file.environments and not service:
        raise fault(
            file.path,
            f"the ESC environment {file.environments[0]} cannot be resolved",
            f"only Pulumi's service has such environments, and this stack's state is in {file.backend}",
            "Take `environment` out of the file, or keep the state on Pulumi's service.",
        )
    asks_the_service = bool(file.environments) or (file.has_secrets and file.key_is_with_the_service)
    process = {name: os.environ[name] for name in _ASKED_OF_THE_PROCESS if name in os.environ}
    told = tuple(sorted({**process, **environment}.items()))
    return _resolved(
        _Question(
            file.path,
            file.text,
            file.project_text,
            file.project,
            reference,
            asks_the_service,
            file.backend,
            file.environments,
        ),
        told,
    )


@dataclass(frozen=True)
class _Question:
    path: Path
    text: str
    project_text: str
    project: str
    reference: str
    asks_the_service: bool
    backend: str
    environments: tuple[str, ...]


@cache
def _resolved(question: _Question, environment: tuple[tuple[str, str], ...]) -> Resolved:
    with _copied(question) as (folder, reference, backend):
        variables = {**dict(environment), **backend}
        command = ["config", "--json", "--show-secrets", "--stack", reference]
        found = _asked(command, folder, variables, question)
        exported: dict[str, str] = {}
        for name in question.environments:
            exported |= _variables_of(name, folder, variables, question)
    return Resolved(
        {key: entry["value"] for key, entry in found.items()},
        frozenset(key for key, entry in found.items() if entry["secret"]),
        exported,
    )


@contextmanager
def _copied(question: _Question) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """A folder with the two files; what the stack is called there; and variables that name its backend."""
    with tempfile.TemporaryDirectory(prefix="keyshift-config-") as directory:
        folder = Path(directory)
        (folder / PROJECT_FILE).write_text(question.project_text, encoding="utf-8")
        (folder / question.path.name).write_text(question.text, encoding="utf-8")
        if question.asks_the_service:
            yield folder, question.reference, {"PULUMI_BACKEND_URL": question.backend}
            return
        name = question.path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        state = folder / "state" / ".pulumi" / "stacks" / question.project
        state.mkdir(parents=True)
        # What `pulumi stack init` would write: an empty stack, in the layout of backends of one's own.
        (folder / "state" / ".pulumi" / "meta.yaml").write_text("version: 1\n", encoding="utf-8")
        checkpoint = {"stack": f"organization/{question.project}/{name}", "latest": None}
        (state / f"{name}.json").write_text(json.dumps({"version": 3, "checkpoint": checkpoint}), encoding="utf-8")
        # A home of its own: the user's may be read-only, and Pulumi writes logs there.
        backend = {"PULUMI_BACKEND_URL": f"file://{folder / 'state'}", "PULUMI_HOME": str(folder / "home")}
        yield folder, name, backend


def _variables_of(name: str, folder: Path, environment: Mapping[str, str], question: _Question) -> dict[str, str]:
    """The environment variables that an ESC environment sets: Pulumi sets them for what it runs, and so must we."""
    # In full, for the CLI would look for it in the user's own organization, and the stack may be another's.
    organization = question.reference.partition("/")[0] if "/" in question.reference else ""
    named = "/".join(filter(None, (organization, name if "/" in name else f"default/{name}")))
    opened = _asked(["env", "open", named, "--format", "json"], folder, environment, question)
    if opened.get("files"):
        raise fault(
            question.path,
            f"the ESC environment {name} has `files`",
            "Pulumi writes them for what it runs itself, and the tasks would not have them",
            "Give what is in them as a value or an environment variable.",
        )
    return {key: str(value) for key, value in (opened.get("environmentVariables") or {}).items()}


def _asked(arguments: list[str], folder: Path, environment: Mapping[str, str], question: _Question) -> dict[str, Any]:
    """The JSON object that the CLI answers with. Raises UsageError for any failure of it."""
    try:
        answer: dict[str, Any] = json.loads(ask(arguments, folder, environment))
        return answer
    except (CliError, ValueError) as error:
        what = f"Pulumi cannot resolve the configuration of stack {question.reference}"
        if question.environments:
            what = f"the ESC environment {', '.join(question.environments)} cannot be resolved"
        said = str(error).replace(str(folder), question.path.parent.name)
        raise fault(question.path, what, said, advice(said)) from None


def advice(said: str) -> str:
    """What to do about a failure of the CLI, where its message tells."""
    if "passphrase" in said:
        return "Set PULUMI_CONFIG_PASSPHRASE to the passphrase of this stack, then repeat."
    if "no stack named" in said:
        return "Run ./invoke stack.init for it first."
    return ""
