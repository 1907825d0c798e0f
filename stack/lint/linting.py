"""The lint of one stack or of all, with the line of each finding. It asks neither AWS nor Pulumi."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from schema.clock import at_present
from schema.errors import Refused, UsageError
from schema.project import Project
from schema.references import IndexRef
from stack.file import strict_yaml
from stack.file.config import StackConfig, config_of, reference_of
from stack.file.document import StackFile, holds_secret, read_stack_file
from stack.file.resolving import Resolved
from stack.lint.changes import changed_at
from stack.lint.earlier import schema_at
from stack.lint.finding import Earlier, Finding, Found, Linted
from stack.lint.places import Declarations, line_of
from stack.lint.rules.every import ERROR_RULES, judge

_NOT_READ = "what is encrypted is not read"
"""Stands for a secret."""
_WHERE = ("account", "tablePrefix")
"""The settings that say, with the region, which tables a stack has."""


def findings(project: Project, config: StackConfig, now: datetime | None = None) -> tuple[Finding, ...]:
    """What is found of a stack whose configuration Pulumi has resolved; `now` is the time, by default the clock's.
    Raises UsageError for a stack file that cannot be read."""
    file = read_stack_file(config.name, config.checkout, project)
    return tuple(_Checkout(project, config.checkout, now).findings(config, file, is_complete=True))


def lint(
    project: Project, folder: Path, stack: str | None = None, against: str | None = None, now: datetime | None = None
) -> dict[str, tuple[Finding, ...]]:
    """What is found of a stack, or of every stack of the folder, by its name. Settings count as they are written: what
    an ESC environment gives is not known. The schema is compared with that of the commit `against`, if one is given.
    Raises UsageError for a stack file that is wrong, and for a commit that cannot be read."""
    files = [(name, read_stack_file(name, folder, project)) for name in ([stack] if stack else stacks(folder))]
    if not files:
        raise UsageError("There is no stack to lint.", f"{folder} has no file Pulumi.<stack>.yaml.", "Write one.")
    configs = [config_as_written(project, file, name) for name, file in files]
    checkout = _Checkout(project, folder, now, schema_at(folder, against) if against is not None else None)
    return {
        file.name: tuple(checkout.findings(config, file, is_complete=not file.environments))
        for config, (_, file) in zip(configs, files, strict=True)
    }


def stacks(folder: Path) -> list[str]:
    """The names of the stacks of that folder."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def refuse_errors(project: Project, config: StackConfig, now: datetime | None = None) -> None:
    """Raises Refused, with all of them, where an error is found that the stack does not accept. No other rule is asked:
    some look through the history of files, which takes its time in a large repository."""
    file = read_stack_file(config.name, config.checkout, project)
    linted = _Checkout(project, config.checkout, now).linted(config, file, is_complete=True)
    accepted = config.settings.accepted_findings
    errors = [
        (rule.code, found)
        for rule, found in judge(linted, ERROR_RULES)
        if found.subject not in accepted.get(rule.code, {})
    ]
    if errors:
        raise Refused(
            " ".join(f"{code}: {found.what}" for code, found in errors),
            " ".join(dict.fromkeys(found.why for _, found in errors)),
            " ".join(dict.fromkeys(found.next for _, found in errors))
            + f" The lines: ./invoke schema.lint --stack {config.stack}",
        )


def config_as_written(project: Project, file: StackFile, stack: str) -> StackConfig:
    """The configuration that the file and Pulumi.yaml themselves give. Where an ESC environment may have what all
    stacks need, something stands in that no rule minds. Raises UsageError for what is wrong."""
    declared = strict_yaml.read(file.project_text).get("config") or {}
    values: dict[str, Any] = {}
    if file.environments:
        values = {"aws:region": "us-east-1", f"{project.name}:backend": file.backend}
        values |= {f"{project.name}:account": "0" * 12, f"{project.name}:tablePrefix": "not-known-"}
    for key, found in declared.items():
        value = found.get("value", found.get("default")) if isinstance(found, dict) else found
        if value is not None:
            values[key if ":" in key else f"{project.name}:{key}"] = value
    values |= file.config
    secrets = frozenset(key for key, value in values.items() if holds_secret(value))
    texts = {key: _text(_readable(value)) for key, value in values.items()}
    return config_of(reference_of(stack, file), file.path, project, Resolved(texts, secrets))


class _Checkout:
    """A project's folder. Where its files declare something is looked for only once that is asked for."""

    def __init__(self, project: Project, folder: Path, now: datetime | None, earlier: Earlier | None = None) -> None:
        self._project, self._folder, self._now, self._earlier = project, folder, now or at_present(), earlier

    def findings(self, config: StackConfig, file: StackFile, *, is_complete: bool) -> Iterator[Finding]:
        """What is found of a stack, each with its place."""
        for rule, found in judge(self.linted(config, file, is_complete=is_complete)):
            name, line = self._place(found, file)
            yield Finding(
                code=rule.code,
                severity=rule.severity,
                title=rule.title,
                subject=found.subject,
                what=found.what,
                why=found.why,
                next=found.next,
                file=name,
                line=line,
                accepted=config.settings.accepted_findings.get(rule.code, {}).get(found.subject),
            )

    def linted(self, config: StackConfig, file: StackFile, *, is_complete: bool) -> Linted:
        """What the rules are given of a stack."""
        return Linted(
            schema=self._project.schema,
            config=config,
            file=file,
            now=self._now,
            is_complete=is_complete,
            others=lambda: _others(self._project, config),
            changed=self._changed,
            earlier=self._earlier,
        )

    @cached_property
    def _declared(self) -> Declarations:
        return Declarations.of(self._folder, self._project.schema)

    def _changed(self, ref: IndexRef) -> datetime | None:
        place = self._declared.places.get(str(ref))
        return changed_at(self._folder, place) if place else None

    def _place(self, found: Found, file: StackFile) -> tuple[str, int]:
        """The file and the line of a finding."""
        if found.setting:
            first, *rest = found.setting
            key = first if ":" in first else f"{self._project.name}:{first}"
            return file.path.name, line_of(file.text, (key, *rest))
        place = self._declared.of_subject(found.declared or found.subject)
        return place.file, place.first


def _others(project: Project, config: StackConfig) -> Iterator[StackConfig]:
    """The other stacks of the checkout, as far as it is known which tables they have. Without those whose files are
    wrong, which is told when they are linted."""
    for name in stacks(config.checkout):
        if name != config.name:
            with suppress(UsageError):
                file = read_stack_file(name, config.checkout, project)
                where = {"aws:region", *(config.setting(each) for each in _WHERE)}
                # Whatever the file leaves out may come from an ESC environment, before the default of Pulumi.yaml.
                if not file.environments or where <= set(file.config):
                    yield config_as_written(project, file, name)


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return _NOT_READ if set(value) == {"secure"} else {key: _readable(each) for key, each in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list) else value


def _text(value: Any) -> str:
    """As Pulumi writes it: all but a text as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
