"""The stack file as it is written: what Pulumi makes of it is told in resolving.py."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from schema.errors import UsageError
from schema.project import Project
from stack.file import strict_yaml
from stack.file.faults import fault, unknown_key
from stack.file.names import find_stack_file, is_service, stack_name
from stack.file.settings import setting_names

PROJECT_FILE = "Pulumi.yaml"
# Top-level keys that Pulumi itself owns in a stack file (pulumi: sdk/go/common/workspace, ProjectStack).
_PULUMI_KEYS = {"config", "environment", "secretsprovider", "encryptionsalt", "encryptedkey"}
_PASSPHRASE = {None, "", "default", "passphrase"}
"""Secrets providers that keep no key of a cloud in the stack file."""


@dataclass(frozen=True)
class StackFile:
    """A stack's file and its project's, read once. `config` are its keys as they are written: what is encrypted stays
    so. `environments` are the names of the ESC environments that it imports."""

    path: Path
    project: str
    text: str
    project_text: str
    config: dict[str, Any]
    environments: tuple[str, ...] = ()
    secrets_provider: str | None = None
    encrypted_key: str | None = None
    encryption_salt: str | None = None

    @property
    def name(self) -> str:
        """The stack's name, without organization and project."""
        return stack_name(self.path.name.removeprefix("Pulumi.").removesuffix(".yaml"))

    @property
    def backend(self) -> str:
        """Where the stack's state is kept: a setting that is needed before all others, to resolve them."""
        found = self.config.get(f"{self.project}:backend", self._project_default("backend"))
        if not isinstance(found, str):
            what = f"{self.project}:backend is missing" if found is None else f"{self.project}:backend is no plain text"
            raise fault(self.path, what, f"it is written here or in {PROJECT_FILE}, for it is needed to read the rest")
        return found

    def _project_default(self, name: str) -> Any:
        declared = strict_yaml.read(self.project_text).get("config") or {}
        found = declared.get(f"{self.project}:{name}", declared.get(name))
        return found.get("default", found.get("value")) if isinstance(found, dict) else found

    @property
    def has_secrets(self) -> bool:
        """Whether it holds a value that has to be decrypted."""
        return holds_secret(self.config)

    @property
    def key(self) -> str:
        """The top-level key under which the file keeps the key of its secrets."""
        return "encryptionsalt" if self.secrets_provider in _PASSPHRASE else "encryptedkey"

    @property
    def has_key(self) -> bool:
        """Whether the file itself holds the key of its secrets. Pulumi's service keeps it for others."""
        return bool(self.encryption_salt if self.key == "encryptionsalt" else self.encrypted_key)

    @property
    def key_is_with_the_service(self) -> bool:
        """Whether Pulumi's service has the key of the secrets."""
        return not self.has_key and self.key == "encryptionsalt" and is_service(self.backend)

    def refuse_without_key(self) -> None:
        """Raises UsageError where Pulumi would make a key, and write the file (pulumi: cmd/pulumi/config/io.go)."""
        if self.has_key or self.key_is_with_the_service:
            return
        raise fault(
            self.path,
            f"it has no {self.key}",
            "so each preview and `up` would make a new key for the stack's secrets, and write it into the file",
            f"Run: ./invoke stack.init --stack {self.name}",
        )


def read_stack_file(stack: str, checkout: Path, project: Project) -> StackFile:
    """Reads `Pulumi.<stack>.yaml` and Pulumi.yaml. Raises UsageError for what is no stack file of this project."""
    path = find_stack_file(stack, checkout)
    project_text = _check_project(checkout / PROJECT_FILE, project)
    text = _text(path)
    document = parsed(path, text)
    environments = _environments(document, path) if isinstance(document, dict) else ()
    if not isinstance(document, dict) or not isinstance(document.get("config", {} if environments else None), dict):
        raise fault(path, "it has no `config:` section", "all settings of a stack stand under `config:`")
    for key in document:
        if key not in _PULUMI_KEYS:
            raise unknown_key(path, f"top-level key {key}", str(key), sorted(_PULUMI_KEYS))
    config: dict[str, Any] = document.get("config", {})
    for key in config:
        if not all(str(key).partition(":")):
            meant = f"{project.name}:{key}"
            raise unknown_key(path, f"config key {key}", meant, [f"{project.name}:{name}" for name in setting_names()])
    for key in ("secretsprovider", "encryptedkey", "encryptionsalt"):
        if not isinstance(document.get(key, ""), str):
            raise fault(path, f"{key} has a wrong value", "it is a plain text, such as awskms://alias/name")
    return StackFile(
        path=path,
        project=project.name,
        text=text,
        project_text=project_text,
        config=config,
        environments=environments,
        secrets_provider=document.get("secretsprovider"),
        encrypted_key=document.get("encryptedkey"),
        encryption_salt=document.get("encryptionsalt"),
    )


def parsed(path: Path, text: str) -> Any:
    """What the text of that file holds. Raises UsageError for what is not YAML."""
    try:
        return strict_yaml.read(text)
    except YAMLError as error:
        raise fault(path, "it is not YAML", " ".join(str(error).split())) from None


def replace_text(path: Path, text: str) -> None:
    """Replaces the file's text and keeps its permissions. Raises UsageError; the file is then as it was."""
    try:
        if not os.access(path, os.W_OK):
            raise PermissionError(f"{path.name} is read-only")
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as directory:
            written = Path(directory) / path.name
            written.write_bytes(text.encode())
            written.chmod(path.stat().st_mode & 0o7777)
            written.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be written.", f"{error}. Nothing was changed.", "Make it writable, then repeat."
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise fault(path, "it cannot be read", str(error)) from None


def _check_project(path: Path, project: Project) -> str:
    """The text of Pulumi.yaml: Pulumi keeps the state under the name in it, and reads the settings under it."""
    text = _text(path)
    document = parsed(path, text)
    name = document.get("name") if isinstance(document, dict) else None
    if name != project.name:
        raise UsageError(
            f"{path.name}: the name is {name!r}, and the project's is {project.name!r}.",
            "Pulumi keeps a stack's state under that name, and its settings are read under it.",
            f"Set `name: {project.name}` in {path.name}, or rename the project in its Project(…).",
        )
    return text


def _environments(document: dict[str, Any], path: Path) -> tuple[str, ...]:
    """The imported ESC environments. Their own definitions in a stack file are refused: what variables such a one sets
    cannot be asked of Pulumi, and tasks would not have them."""
    found = document.get("environment", [])
    if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
        raise fault(
            path,
            "`environment` is no list of names",
            "values that stand in the file itself, and options of an import, cannot be resolved for the tasks",
            "Put them into an ESC environment, and name that in the list.",
        )
    return tuple(found)


def holds_secret(value: Any) -> bool:
    """Whether a value of a stack file is encrypted, or something in it is."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(holds_secret, value.values()))
    return isinstance(value, list) and any(map(holds_secret, value))
