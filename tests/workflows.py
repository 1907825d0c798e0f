"""The workflows of .github/workflows as data: their jobs, their scripts, and whether a job or step would run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / ".github" / "workflows"
Workflows = dict[str, Any]
"""Each workflow as GitHub reads it, by the name of its file without `.yml`."""
_TOKEN = re.compile(r"\s*(&&|\|\||==|!=|!|\(|\)|'[^']*'|[A-Za-z_][\w.-]*)")
_STATUS = re.compile(r"\b(success|always|cancelled|failure)\(")


def workflows() -> Workflows:
    """All workflows, read anew."""
    yaml = YAML(typ="safe")
    return {path.stem: yaml.load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}


def jobs(found: Workflows) -> Iterator[tuple[str, str, Any]]:
    """Every job, with the names of its workflow and its own."""
    for workflow, content in found.items():
        for job, body in content["jobs"].items():
            yield workflow, job, body


def scripts(workflow: str, job: str) -> list[tuple[str, str, dict[str, str]]]:
    """The steps of a job that run a script: name, script (for `bash -e`), and the environment that the workflow gives
    it. Expressions in that are left as they are."""
    body = workflows()[workflow]["jobs"][job]
    return [
        (step["name"], step["run"], {**body.get("env", {}), **step.get("env", {})})
        for step in body["steps"]
        if "run" in step
    ]


@dataclass(frozen=True)
class Situation:
    """What a condition looks at. `contexts` are the properties that have a value, by their whole name
    (`needs.staging.result`); whatever else is asked for is empty, as on GitHub. `failed` and `cancelled` say how what
    came before has ended."""

    contexts: Mapping[str, str] = field(default_factory=dict)
    failed: bool = False
    cancelled: bool = False


def runs(condition: str | None, situation: Situation) -> bool:
    """Whether a job or step with that `if` runs. Like GitHub, it adds `success()` where no function asks how what came
    before has ended. A job that was skipped is no success for those after it."""
    text = str(condition) if condition is not None else "success()"
    text = text.strip().removeprefix("${{").removesuffix("}}").strip()
    if not _STATUS.search(text):
        text = f"success() && ({text})"
    return bool(_Condition(text, situation).value())


class _Condition:
    """A condition that is being evaluated: `||` binds loosest, then `&&`, `==` and `!=`, and `!`."""

    def __init__(self, text: str, situation: Situation) -> None:
        self._tokens, self._situation = _tokens(text), situation

    def value(self) -> str | bool:
        found = self._any()
        assert not self._tokens, f"not understood: {self._tokens}"
        return found

    def _any(self) -> str | bool:
        found = self._all()
        while self._next("||"):
            other = self._all()
            found = found or other
        return found

    def _all(self) -> str | bool:
        found = self._compared()
        while self._next("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> str | bool:
        found = self._one()
        if self._next("=="):
            return found == self._one()
        if self._next("!="):
            return found != self._one()
        return found

    def _one(self) -> str | bool:
        if self._next("!"):
            return not self._one()
        if self._next("("):
            found = self._any()
            assert self._next(")")
            return found
        token = self._tokens.pop(0)
        if self._next("("):
            assert self._next(")")
            return self._status(token)
        return token[1:-1] if token.startswith("'") else self._situation.contexts.get(token, "")

    def _status(self, function: str) -> bool:
        bad = self._situation.failed or self._situation.cancelled
        known = {"always": True, "cancelled": self._situation.cancelled, "success": not bad}
        return known[function]

    def _next(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        self._tokens.pop(0)
        return True


def _tokens(text: str) -> list[str]:
    found, at = list[str](), 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        assert token is not None, f"not understood: {text[at:]}"
        found.append(token[1])
        at = token.end()
    return found
