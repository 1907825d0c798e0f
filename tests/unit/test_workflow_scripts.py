"""The scripts of the workflows, run as GitHub's runner runs them, with a witness in the place of each program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from terminal.main import Invoke
from tests.limits import ENDING, EXPECTED
from tests.workflows import CHECKOUT, jobs, scripts, workflows

PROGRAMS = ("invoke", ".ci/run", "bin/pulumi")
WITNESS = """#!/bin/sh
printf '%s\\n' "${0##*/}" "$@" > "$WITNESS.$$"
echo '{"told": "on standard output"}'
"""
WAITING = """#!/bin/sh
trap 'echo got SIGINT; exit 130' INT
echo ready >&2
while :; do sleep 0.05; done
"""
AS_STARTED = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv("/bin/bash", ["/bin/bash", "-e", "script.sh"])
"""
"""Begins a script with the signals of a runner: a process that was started in the background ignores SIGINT, and so
would the script, which then could not trap it."""
GIVEN = {
    "matrix.stack": "staging",
    "steps.preview.outputs.exit-code": "3",
    "steps.migrate.outputs.exit-code": "",
    "steps.attest.outputs.exit-code": "0",
    "steps.watch.outputs.exit-code": "5",
    "vars.LOADTEST_RATE": "50",
    "vars.DRIFT_ISSUE": "12",
    "github.token": "token",
}
"""What the expressions in the environment of a script stand for."""
ALL = [
    pytest.param(script, env, id=f"{workflow}/{job}/{name}")
    for workflow, job, _ in jobs(workflows())
    for name, script, env in scripts(workflow, job)
]


@dataclass(frozen=True)
class Step:
    """A checkout with witnesses, in which scripts are run as GitHub's runner runs them."""

    folder: Path

    def start(self, script: str, env: dict[str, str], witness: str = WITNESS) -> subprocess.Popen[str]:
        for name in PROGRAMS:
            program = self.folder / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(witness, encoding="utf-8")
            program.chmod(0o755)
        (self.folder / "script.sh").write_text(script, encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-c", AS_STARTED],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "RUNNER_TEMP": str(self.folder / "temp with a space"),
                "WITNESS": str(self.folder / "witness"),
                **{name: filled(value) for name, value in env.items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def seen(self, process: subprocess.Popen[str]) -> list[str]:
        """The program that took the place of that shell, and its arguments."""
        return (self.folder / f"witness.{process.pid}").read_text(encoding="utf-8").splitlines()


class Parsed(Invoke):
    """Reads a command line, and runs no task."""

    def execute(self) -> None:
        assert len(self.tasks) == 1


def filled(value: str) -> str:
    """The value with its one expression, if it has one, evaluated."""
    text = str(value)
    return GIVEN[text.removeprefix("${{").removesuffix("}}").strip()] if text.startswith("${{") else text


@pytest.fixture
def step(tmp_path: Path) -> Step:
    (tmp_path / "temp with a space").mkdir()
    return Step(tmp_path)


@pytest.mark.parametrize(("script", "env"), ALL)
def test_the_task_takes_the_place_of_the_shell(step: Step, script: str, env: dict[str, str]) -> None:
    process = step.start(script, env)
    _, err = process.communicate(timeout=ENDING)
    assert (process.returncode, err) == (0, "")
    program, *arguments = step.seen(process)
    assert program in {"invoke", "run", "pulumi"}
    assert [argument for argument in arguments if "$" in argument or "{{" in argument] == []
    assert len(list(step.folder.glob("witness.*"))) == 1


@pytest.mark.parametrize(("script", "env"), [each for each in ALL if "./invoke " in str(each.values[0])])
def test_the_tasks_and_their_flags_are_known(
    step: Step, script: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = step.start(script, env)
    process.communicate(timeout=ENDING)
    arguments = step.seen(process)[1:]
    monkeypatch.chdir(CHECKOUT)
    # What it does not understand ends it with exit code 2.
    Parsed(name="./invoke", binary="./invoke").run(["./invoke", *arguments])


def test_the_report_of_a_migration_is_its_standard_output(step: Step) -> None:
    (script, env) = next((script, env) for name, script, env in scripts("migrate", "prod") if name == "Migrate")
    process = step.start(script, env)
    out, _ = process.communicate(timeout=ENDING)
    assert step.seen(process) == ["invoke", "migrate", "--stack", "prod", "--for", "300m", "--json"]
    report = step.folder / "temp with a space" / "report" / "migrate.json"
    assert (out, report.read_text(encoding="utf-8")) == ("", '{"told": "on standard output"}\n')


def test_a_signal_of_the_runner_reaches_the_task_that_migrates(step: Step) -> None:
    (script, env) = next((script, env) for name, script, env in scripts("migrate", "staging") if name == "Migrate")
    with step.start(script, env, WAITING) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "ready\n"
            # The runner signals the entry process of the step, and that alone.
            process.send_signal(signal.SIGINT)
            assert process.wait(EXPECTED) == 130
        finally:
            process.kill()
    report = step.folder / "temp with a space" / "report" / "migrate.json"
    assert report.read_text(encoding="utf-8") == "got SIGINT\n"


def test_an_exit_code_that_was_not_told_is_handed_on_as_none(step: Step) -> None:
    (script, env) = next((script, env) for name, script, env in scripts("migrate", "staging") if name == "Conclude")
    process = step.start(script, env)
    process.communicate(timeout=ENDING)
    arguments = step.seen(process)
    assert arguments[arguments.index("--code") + 1] == ""
