"""The workflows of .github/workflows keep what they promise."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest
from ruamel.yaml import YAML

from tests.limits import ENDING
from tests.workflow_claims import CLAIMS
from tests.workflows import CHECKOUT, FOLDER, Workflows, jobs, scripts, workflows

REAL = workflows()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_the_workflows_keep_their_promises(claim: Callable[[Workflows], None]) -> None:
    claim(REAL)


def test_every_action_is_pinned_to_a_commit_and_names_its_version() -> None:
    pinned = re.compile(r"\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    used = [
        line
        for path in FOLDER.glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert [line for line in used if not pinned.fullmatch(line)] == []
    versions = {(line.split("@")[0].split()[-1], line.split("@")[1]) for line in used}
    assert len(versions) == len({action for action, _ in versions}), "an action is used in two versions"


def test_the_scripts_of_a_job_are_given_with_their_environment() -> None:
    name, script, env = scripts("pull-request", "preview")[0]
    assert (name, env) == ("Preview", {"STACK": "${{ matrix.stack }}"})
    assert script == 'exec ./invoke preview --stack "$STACK" --base HEAD^1 --out "$RUNNER_TEMP/change"'
    assert [name for name, _, _ in scripts("migrate", "prod-watch")] == ["Watch", "Conclude"]


def test_a_task_that_asks_is_answered_where_there_is_nobody_to_ask() -> None:
    asked = [
        script
        for name, workflow in REAL.items()
        for job in workflow["jobs"]
        for _, script, _ in scripts(name, job)
        if re.search(r"\./invoke (loadtest|promote|rollback|unlock)\b", script)
    ]
    assert [script for script in asked if "--yes" not in script] == []
    assert any("loadtest" in script for script in asked)


def test_what_a_workflow_takes_for_the_schema_s_folder_is_there() -> None:
    (paths,) = re.findall(r"--paths (\S+)", scripts("pull-request", "preview")[1][1])
    assert [(CHECKOUT / path).exists() for path in paths.split(",")] == [True, True]


def blocks(language: str) -> list[str]:
    """The code blocks of docs/ci.md in that language."""
    text = (CHECKOUT / "docs" / "ci.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def tasks_of(script: str) -> set[str]:
    """The names of the tasks that a script runs."""
    return set(re.findall(r"\./invoke ([\w.-]+)", script))


def test_gitlab_runs_the_same_tasks_and_waits_without_failing() -> None:
    (text,) = blocks("yaml")
    pipeline = YAML(typ="safe").load(text)
    on_github = {
        task for workflow, job, _ in jobs(REAL) for _, script, _ in scripts(workflow, job) for task in tasks_of(script)
    }
    assert tasks_of(text) == {"preview", "migrate", "check", "attest", "watch"}
    assert tasks_of(text) < on_github
    assert pipeline[".stack"]["allow_failure"] == {"exit_codes": [3]}
    assert [name for name, job in pipeline.items() if "resource_group" in job] == ["migrate-staging", "migrate-prod"]


def test_cron_runs_the_same_task_and_its_script_is_one() -> None:
    (script,) = blocks("sh")
    assert tasks_of(script) == {"migrate"}
    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True, timeout=ENDING)


def test_the_document_names_every_job_variable_and_environment_of_the_workflows() -> None:
    text = (CHECKOUT / "docs" / "ci.md").read_text(encoding="utf-8")
    content = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml"))
    named = {f"`{name}`" for _, job, body in jobs(REAL) for name in (job, body.get("environment", job))}
    named |= {f"`{name}`" for name in re.findall(r"vars\.(\w+)", content)}
    assert {name for name in named if name not in text} == set()
