"""The one-time set-up of a stack: it is made in its backend, and the key of its secrets is written into its file.

Without that key in the file, Pulumi makes one at each preview and `up`, and writes the file each time.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schema.errors import UsageError
from schema.project import Project
from stack.file.cli import CliError, ask
from stack.file.config import config_of, credentials, load_config, reference_of
from stack.file.document import PROJECT_FILE, StackFile, parsed, read_stack_file, replace_text
from stack.file.faults import fault
from stack.file.names import backend_url
from stack.file.resolving import advice, resolve

_EXISTS = "already exists"
"""What the CLI says of a stack that is there (pulumi: backend/backenderr)."""


@dataclass(frozen=True)
class Initialised:
    """What the set-up did: whether the stack was `made` in its `backend`, and which `key` was written into its file,
    None where nothing was missing."""

    file: Path
    backend: str
    made: bool
    key: str | None


def initialise(stack: str, checkout: Path, project: Project, environment: Mapping[str, str]) -> Initialised:
    """Sets the stack up. Harmless to repeat. `environment` is what the CLI is told besides the process's own.

    Raises UsageError where the backend or the secrets provider cannot be used; what was made until then stays.
    """
    file = read_stack_file(stack, checkout, project)
    reference = reference_of(stack, file)
    backend = backend_url(file.backend, checkout)
    told = {**credentials(file), **environment, "PULUMI_BACKEND_URL": backend}
    needs_key = not file.has_key and not file.key_is_with_the_service
    if not file.has_secrets and not file.environments:
        # Before anything is made: a fault that no key is needed to see.
        config_of(reference, file.path, project, resolve(file, reference, {**credentials(file), **environment}))
    with _copied(file) as folder:
        if needs_key and file.has_secrets and not _exists(reference, folder, told):
            raise _lost(file)
        made = _make(file, reference, folder, told)
        key = None
        if needs_key:
            key = _key_in(folder / file.path.name) if made else _key_of_the_state(file, reference, folder, told)
            if key is None and file.has_secrets:
                raise _lost(file)
    if needs_key:
        replace_text(file.path.resolve(), _with_key(file, key or _new_key(file, told)))
    load_config(stack, checkout, project, environment)
    return Initialised(file.path, file.backend, made, file.key if needs_key else None)


@contextmanager
def _copied(file: StackFile) -> Iterator[Path]:
    """A folder with copies of the two files: the CLI writes the stack's file anew, with other spaces and without
    comments."""
    with tempfile.TemporaryDirectory(prefix="keyshift-init-") as directory:
        folder = Path(directory)
        (folder / PROJECT_FILE).write_text(file.project_text, encoding="utf-8")
        (folder / file.path.name).write_text(file.text, encoding="utf-8")
        yield folder


def _make(file: StackFile, reference: str, folder: Path, told: Mapping[str, str]) -> bool:
    """Makes the stack in its backend; False where it is there."""
    try:
        ask(["stack", "init", reference, "--no-select", *_provider(file)], folder, told)
    except CliError as error:
        if _EXISTS in str(error):
            return False
        raise UsageError(
            f"Stack {reference} cannot be made in {file.backend}.",
            f"{error}.",
            advice(str(error)) or "Make that backend and the key of its secrets, with access to both; then repeat.",
        ) from None
    return True


def _exists(reference: str, folder: Path, told: Mapping[str, str]) -> bool:
    try:
        ask(["stack", "export", "--stack", reference], folder, told)
    except CliError:
        return False
    return True


def _provider(file: StackFile) -> list[str]:
    return ["--secrets-provider", file.secrets_provider] if file.secrets_provider else []


def _key_in(path: Path) -> str | None:
    document = parsed(path, path.read_text(encoding="utf-8"))
    found = document.get("encryptedkey") or document.get("encryptionsalt")
    return str(found) if found else None


def _key_of_the_state(file: StackFile, reference: str, folder: Path, told: Mapping[str, str]) -> str | None:
    """The key with which the secrets in the stack's state are encrypted, None for a state of another provider's."""
    try:
        exported: Any = json.loads(ask(["stack", "export", "--stack", reference], folder, told))
    except CliError as error:
        raise UsageError(
            f"The state of stack {reference} cannot be read.",
            f"{error}.",
            advice(str(error)) or "Mend that, then repeat.",
        ) from None
    kept = (exported.get("deployment") or {}).get("secrets_providers") or {}
    state = kept.get("state") or {}
    if file.key == "encryptedkey":
        return state.get("encryptedkey") if state.get("url") == file.secrets_provider else None
    return state.get("salt")


def _new_key(file: StackFile, told: Mapping[str, str]) -> str:
    """A key that the secrets provider makes: by making a stack in a backend that is then thrown away."""
    with _copied(file) as folder:
        (folder / "state").mkdir()
        elsewhere = {**told, "PULUMI_BACKEND_URL": f"file://{folder / 'state'}", "PULUMI_HOME": str(folder / "home")}
        try:
            ask(["stack", "init", file.name, "--no-select", *_provider(file)], folder, elsewhere)
        except CliError as error:
            raise UsageError(
                f"{file.path.name}: its secrets provider makes no key.",
                f"{error}.",
                advice(str(error)) or "Make the key of its secrets, with access to it; then repeat.",
            ) from None
        key = _key_in(folder / file.path.name)
        assert key is not None
        return key


def _with_key(file: StackFile, key: str) -> str:
    """The stack file's text with the key in its last line; all else stays as it is, to the byte."""
    end = "" if file.text.endswith("\n") else "\n"
    text = f"{file.text}{end}{file.key}: {key}\n"
    document = parsed(file.path, file.text)
    if file.key in document or parsed(file.path, text) != {**document, file.key: key}:
        raise fault(
            file.path,
            f"{file.key} cannot be written into it",
            "an empty one stands there already, or the file does not end where its last key does",
            f"Take it out, or write it by hand as the last line: {file.key}: {key}",
        )
    return text


def _lost(file: StackFile) -> UsageError:
    return fault(
        file.path,
        f"its secrets were encrypted with a key that it does not hold ({file.key})",
        "a new key could not decrypt them",
        f"Put {file.key} back, which an older version of the file holds; or take the secrets out and set them anew.",
    )
