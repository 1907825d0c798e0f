"""The jobs of the workflows, run on this machine: their very scripts, in their order, as GitHub's runner runs them.

A stack of the workflows is a local stack here: `staging` is `local-staging`. Steps that are actions of others
(checkout, credentials, artifacts) have nothing to do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checkouts import Checkout
from tests.github_server import REPOSITORY, TOKEN, GitHubServer
from tests.limits import HANGS
from tests.workflows import Situation, runs, workflows

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
_STACK = re.compile(r"--stack (staging|prod)\b")


@dataclass(frozen=True)
class Ran:
    """A job that has run: what each of its scripts ended with and printed, and the outputs of its steps."""

    codes: Mapping[str, int]
    printed: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, str]]
    temp: Path

    @property
    def change(self) -> Any:
        """The change document that it kept."""
        (file,) = self.temp.rglob("change.json")
        return json.loads(file.read_text(encoding="utf-8"))


@dataclass
class Pipeline:
    """Runs jobs in the project's folder of a checkout. `pull_request` is that of the event, if it is one of these;
    `variables` are the repository's."""

    checkout: Checkout
    github: GitHubServer
    temp: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    pull_request: int | None = None
    _jobs: int = 0

    def job(self, workflow: str, job: str, stack: str = "") -> Ran:
        """Runs all scripts of a job, for that stack of its matrix if it has one."""
        body = workflows()[workflow]["jobs"][job]
        self._jobs += 1
        temp = self.temp / f"{self._jobs} {workflow} {job}"
        temp.mkdir(parents=True)
        codes: dict[str, int] = {}
        printed: dict[str, str] = {}
        outputs: dict[str, dict[str, str]] = {}
        contexts = {"matrix.stack": f"local-{stack}", "github.token": TOKEN}
        contexts |= {f"vars.{name}": value for name, value in self.variables.items()}
        failed = False
        for step in body["steps"]:
            if "run" not in step or not runs(step.get("if"), Situation(contexts, failed=failed)):
                continue
            output = temp / f"output of {step['name']}"
            env = {**body.get("env", {}), **step.get("env", {})}
            given = {name: self._filled(str(value), contexts) for name, value in env.items()}
            done = self._script(step["run"], {**given, **self._runner(temp, output)})
            codes[step["name"]], printed[step["name"]] = done.returncode, done.stdout + done.stderr
            told = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
            outputs[step.get("id", step["name"])] = dict(line.split("=", 1) for line in told)
            for name, value in outputs[step.get("id", step["name"])].items():
                contexts[f"steps.{step.get('id', step['name'])}.outputs.{name}"] = value
            failed = failed or (done.returncode != 0 and not step.get("continue-on-error"))
        return Ran(codes, printed, outputs, temp)

    def _filled(self, text: str, contexts: Mapping[str, str]) -> str:
        return _EXPRESSION.sub(lambda found: contexts.get(found[1], ""), text)

    def _script(self, script: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        script = _STACK.sub(r"--stack local-\1", script)
        return self.checkout.shell(["/bin/bash", "-e", "-c", script], environment)

    def _runner(self, temp: Path, output: Path) -> Mapping[str, str]:
        """What GitHub's runner puts into the environment of a script."""
        commit = self.git("rev-parse", "HEAD")
        event: dict[str, Any] = {}
        if self.pull_request is not None:
            event = {"pull_request": {"number": self.pull_request, "head": {"sha": commit}, "base": {"ref": "main"}}}
        (temp / "event.json").write_text(json.dumps(event), encoding="utf-8")
        return {
            "RUNNER_TEMP": str(temp),
            "GITHUB_API_URL": self.github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": commit,
            "GITHUB_RUN_ID": str(self._jobs),
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_WORKSPACE": self.git("rev-parse", "--show-toplevel"),
            "GITHUB_STEP_SUMMARY": str(temp / "summary.md"),
            "GITHUB_OUTPUT": str(output),
        }

    def commit(self, title: str) -> None:
        """Commits all that the working tree holds."""
        self.git("add", "-A", ":/")
        self.git("commit", "-qm", title)

    def git(self, *arguments: str) -> str:
        """What git prints in the project's folder, as somebody who may commit."""
        who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *arguments],  # noqa: S607  # whichever git the machine has
            cwd=self.checkout.path,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
            capture_output=True,
            text=True,
            check=True,
            timeout=HANGS,
        )
        return done.stdout.strip()
