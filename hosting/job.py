"""The GitHub job that a task runs in, as the runner's environment tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from schema.errors import UsageError

_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class _Head(BaseModel):
    sha: str


class _Base(BaseModel):
    ref: str


class _PullRequest(BaseModel):
    number: int
    head: _Head
    base: _Base


class _Event(BaseModel):
    pull_request: _PullRequest | None = None


@dataclass(frozen=True)
class Job:
    """One job. `repository` is `owner/name`. `commit` is the one that people see: of a pull request its newest commit,
    not the merge that GitHub makes of it for the job. `pull_request` is its number, `base` the branch that it is to be
    merged into; both are None for other events. `url` leads to the run. `workspace` is the checkout, `summary` the file
    that becomes the job's summary; both are None where the runner names none."""

    repository: str
    commit: str
    url: str
    pull_request: int | None = None
    base: str | None = None
    workspace: Path | None = None
    summary: Path | None = None

    @staticmethod
    def of(environment: Mapping[str, str]) -> Job:
        """The job of this environment. Raises UsageError outside of one."""
        repository = _told(environment, "GITHUB_REPOSITORY", _REPOSITORY)
        event = _event(Path(environment["GITHUB_EVENT_PATH"])) if environment.get("GITHUB_EVENT_PATH") else _Event()
        opened = event.pull_request
        server, run = environment.get("GITHUB_SERVER_URL", "https://github.com"), environment.get("GITHUB_RUN_ID", "")
        return Job(
            repository,
            opened.head.sha if opened else _told(environment, "GITHUB_SHA", _COMMIT),
            f"{server}/{repository}/actions/runs/{run}",
            opened.number if opened else None,
            opened.base.ref if opened else None,
            _path(environment, "GITHUB_WORKSPACE"),
            _path(environment, "GITHUB_STEP_SUMMARY"),
        )

    def path_of(self, file: Path) -> str:
        """The file as GitHub names it: from the root of the repository."""
        root = self.workspace
        return (file.relative_to(root) if root and file.is_relative_to(root) else Path(file.name)).as_posix()

    def summarise(self, text: str) -> None:
        """Adds Markdown to the job's summary; nothing where the runner keeps none."""
        if self.summary is not None:
            with self.summary.open("a", encoding="utf-8") as file:
                file.write(f"{text.rstrip()}\n\n")


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def _told(environment: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    found = environment.get(name, "")
    if form.fullmatch(found):
        return found
    raise UsageError(
        f"This is no job of GitHub Actions: {name} is {repr(found) if found else 'not set'}.",
        "The tasks github.* tell GitHub how another task ended, and the runner says of which repository and commit.",
        "Run them in a workflow: docs/ci.md shows how.",
    )


def _event(path: Path) -> _Event:
    try:
        return _Event.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            "The event of this job cannot be read.",
            f"GITHUB_EVENT_PATH names {path}: {type(error).__name__}.",
            "Run the task in a workflow: docs/ci.md shows how.",
        ) from None
