"""ESC environments, which only Pulumi's service resolves: the real CLI merges what a stand-in for the service answers.

Nothing here was run on the service itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migration.plan.plan import plan
from schema.errors import UsageError
from schema.project import Project
from stack.file.config import StackConfig, load_config, masked
from terminal.workspace import Workspace, told
from tests.pulumi_service import pulumi_service, value
from tests.snapshots import forget
from tests.stacks import NAME, PEOPLE, SCHEMA, SmallStack

OURS = Project(NAME, SCHEMA)
HOOK = "https://hooks.example.com/T0CK3N"
TEAM = {
    "pulumiConfig": value(
        {
            "sitelogix:contact": "the team",
            "sitelogix:leaseSeconds": 30,
            "sitelogix:subscriptions": [{"protocol": "https", "endpoint": value(HOOK, secret=True)}],
            "aws:defaultTags": {"tags": {"Team": "a"}},
        }
    ),
    "environmentVariables": value({"KEYSHIFT_TEST_ESC": "from the environment"}),
}
FILES = {"files": value({"KUBECONFIG": "text"})}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-of-a-test")
    monkeypatch.setenv("KEYSHIFT_TEST_ESC", "")
    with pulumi_service(NAME, "local", {"team/dev": TEAM, "team/files": FILES}) as url:
        yield url


@pytest.fixture
def stack(tmp_path: Path, moto_endpoint: str) -> Iterator[SmallStack]:
    made = SmallStack.make(tmp_path, moto_endpoint, SCHEMA, "  sitelogix:leaseSeconds: 20\n")
    made.seed({"personnel": PEOPLE})
    yield made
    forget(made)


def importing(stack: SmallStack, service: str, *names: str) -> bytes:
    """Has the stack's file import these environments, and its state kept by the service; returns the file."""
    file = stack.directory / "Pulumi.local.yaml"
    text = file.read_text(encoding="utf-8").replace("file://.local/state", service)
    imports = "".join(f"  - {name}\n" for name in names)
    file.write_text(f"environment:\n{imports}{text}", encoding="utf-8")
    return file.read_bytes()


def read(stack: SmallStack, name: str = "local") -> StackConfig:
    return load_config(name, stack.directory, OURS, told("local"))


@pytest.mark.parametrize("name", ["local", "acme/local", "acme/sitelogix/local"])
def test_an_environment_adds_what_the_stack_file_does_not_say(stack: SmallStack, service: str, name: str) -> None:
    before = importing(stack, service, "team/dev")
    config = read(stack, name)
    assert config.stack == name
    assert (config.settings.contact, config.settings.lease_seconds) == ("the team", 20)
    (subscription,) = config.settings.subscriptions
    assert subscription.endpoint.get_secret_value() == HOOK
    assert masked(HOOK, config.secrets) == "[secret]"
    assert (stack.directory / "Pulumi.local.yaml").read_bytes() == before


def test_variables_that_it_sets_are_set_for_the_tasks_too(stack: SmallStack, service: str) -> None:
    importing(stack, service, "team/dev")
    Workspace(OURS, stack.directory).config("local")
    assert os.environ["KEYSHIFT_TEST_ESC"] == "from the environment"


def test_a_plan_is_made_of_such_a_configuration(stack: SmallStack, service: str) -> None:
    importing(stack, service, "team/dev")
    context = stack.context()
    steps = plan(SCHEMA, context.config.settings, context.read_world()).steps
    assert [step.name for step in steps[:2]] == ["backup personnel", "adopt personnel"]


@pytest.mark.parametrize(
    ("names", "what", "why"),
    [
        (["team/prod"], "the ESC environment team/prod cannot be resolved", ""),
        (["team/files"], "the ESC environment team/files has `files`", "Pulumi writes them for what it runs itself"),
    ],
)
def test_an_environment_that_cannot_be_resolved_is_refused_by_name(
    stack: SmallStack, service: str, names: list[str], what: str, why: str
) -> None:
    importing(stack, service, *names)
    with pytest.raises(UsageError) as refused:
        read(stack)
    assert (refused.value.what, refused.value.exit_code) == (f"Pulumi.local.yaml: {what}.", 2)
    assert refused.value.why.startswith(why)


def test_a_stack_that_imports_environments_has_to_be_created_first(
    stack: SmallStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-of-a-test")
    with pulumi_service(NAME, "another", {"team/dev": TEAM}) as url:
        importing(stack, url, "team/dev")
        with pytest.raises(UsageError) as refused:
            read(stack)
    assert refused.value.what == "Pulumi.local.yaml: the ESC environment team/dev cannot be resolved."
    assert refused.value.next == "Run ./invoke stack.init for it first."


def test_a_backend_of_one_s_own_has_no_environments(stack: SmallStack) -> None:
    importing(stack, "s3://states", "team/dev")
    with pytest.raises(UsageError) as refused:
        read(stack)
    assert refused.value.what == "Pulumi.local.yaml: the ESC environment team/dev cannot be resolved."
    assert refused.value.why == (
        "Only Pulumi's service has such environments, and this stack's state is in s3://states."
    )


@pytest.mark.parametrize("environment", ["{values: {a: 1}}", "[{team/dev: {merge: false}}]"])
def test_what_is_no_list_of_names_is_refused(stack: SmallStack, service: str, environment: Any) -> None:
    file = stack.directory / "Pulumi.local.yaml"
    file.write_text(f"environment: {environment}\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read(stack)
    assert refused.value.what == "Pulumi.local.yaml: `environment` is no list of names."
