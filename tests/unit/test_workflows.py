"""The workflows of .github/workflows keep what they promise."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.workflow_claims import CLAIMS
from tests.workflows import CHECKOUT, FOLDER, Workflows, scripts, workflows

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


def test_the_released_plugin_is_the_one_of_the_installed_sdk() -> None:
    assert REAL["nightly"]["jobs"]["conformance"]["env"] == {"AWS_PLUGIN": version("pulumi-aws")}


def test_the_scripts_of_a_job_are_given_with_their_environment() -> None:
    name, script, env = scripts("pull-request", "preview")[0]
    assert (name, env) == ("Preview", {"STACK": "${{ matrix.stack }}"})
    assert script == 'exec ./invoke preview --stack "$STACK" --base HEAD^1 --out "$RUNNER_TEMP/change"'
    assert [name for name, _, _ in scripts("migrate", "prod-watch")] == ["Watch", "Conclude"]


def test_what_a_workflow_takes_for_the_schema_s_folder_is_there() -> None:
    (paths,) = re.findall(r"--paths (\S+)", scripts("pull-request", "preview")[1][1])
    assert [(CHECKOUT / path).exists() for path in paths.split(",")] == [True, True]
