"""A stack's configuration is what Pulumi makes of it, for the tasks and for the program alike."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from migration.plan.plan import plan
from migration.run.runner import Summary
from schema.errors import UsageError
from schema.project import Project
from sitelogix.project import PROJECT as SITELOGIX
from stack.file.cli import ask
from stack.file.config import StackConfig, load_config, masked
from stack.file.document import read_stack_file
from stack.file.resolving import resolve
from terminal.results.plan import RunResult
from terminal.session import pulumi_environment
from terminal.workspace import told
from tests.configured import resolved
from tests.limits import HANGS
from tests.plugin import attached
from tests.snapshots import forget
from tests.stacks import APPROVED, NAME, PEOPLE, PROJECT, SCHEMA, SmallStack

ORDERS = Project("orders", SCHEMA)
TOKEN = "T0CK3N"
WEBHOOK = f"https://hooks.example.com/{TOKEN}"
TAGS = "  aws:defaultTags: {tags: {CostCenter: '42'}}\n"
PROGRAM = """\
from pathlib import Path
from components.program import run
from schema.project import Project
from tests.stacks import NAME, SCHEMA
run(Project(NAME, SCHEMA), Path(__file__).parent)
"""


def encrypted(directory: Path, webhook: str = WEBHOOK) -> str:
    """The settings of a subscription whose address is encrypted, with the key of the stack's file."""
    (directory / "states").mkdir()
    text = (PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8")
    (directory / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (directory / "Pulumi.local.yaml").write_text(text, encoding="utf-8")
    backend = {"PULUMI_BACKEND_URL": f"file://{directory}/states", "PULUMI_HOME": f"{directory}/home"}
    environment = {**told("local"), **backend}
    ask(["stack", "init", "local", "--no-select"], directory, environment)
    key = f"{NAME}:subscriptions"
    ask(["config", "set", "--stack", "local", "--path", f"{key}[0].protocol", "https"], directory, environment)
    secret = ["--secret", "--path", f"{key}[0].endpoint", webhook]
    ask(["config", "set", "--stack", "local", *secret], directory, environment)
    (found,) = read_stack_file("local", directory, SITELOGIX).config[key]
    assert webhook not in json.dumps(found)
    return f"  {key}: {json.dumps([found])}\n"


@pytest.mark.parametrize(
    ("folder", "stack", "project"),
    [
        (".", "local", SITELOGIX),
        (".", "staging", SITELOGIX),
        (".", "prod", SITELOGIX),
        ("examples/orders", "local", ORDERS),
    ],
)
def test_pulumi_resolves_the_files_as_the_tests_take_them(folder: str, stack: str, project: Project) -> None:
    file = read_stack_file(stack, PROJECT / folder, project)
    found, taken = resolve(file, stack, {}), resolved(file)
    assert {key: as_json(found.values[key]) for key in taken.values} == {
        key: as_json(value) for key, value in taken.values.items()
    }
    # What the file leaves out has the default of Pulumi.yaml.
    assert found.values[f"{project.name}:leaseSeconds"] == "60"
    assert found.secrets == frozenset()


def as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_values_of_the_project_count_where_the_stack_says_nothing(tmp_path: Path) -> None:
    project = (PROJECT / "Pulumi.yaml").read_text(encoding="utf-8")
    project = project.replace("config:\n", "config:\n  aws:region:\n    value: eu-west-1\n")
    (tmp_path / "Pulumi.yaml").write_text(project, encoding="utf-8")
    text = (PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8").replace("  aws:region: us-east-1\n", "")
    (tmp_path / "Pulumi.local.yaml").write_text(text, encoding="utf-8")
    assert load_config("local", tmp_path, SITELOGIX).region == "eu-west-1"


def test_a_secret_is_decrypted_and_shown_nowhere(tmp_path: Path) -> None:
    subscribed = encrypted(tmp_path)
    file = tmp_path / "Pulumi.local.yaml"
    add(file, subscribed)
    before = file.read_bytes()
    config = load_config("local", tmp_path, SITELOGIX, told("local"))
    (subscription,) = config.settings.subscriptions
    assert (subscription.protocol, subscription.endpoint.get_secret_value()) == ("https", WEBHOOK)
    assert TOKEN not in repr(config)
    assert masked(f"Invalid parameter: {WEBHOOK}", config.secrets) == "Invalid parameter: [secret]"
    assert file.read_bytes() == before


def test_another_passphrase_is_refused(tmp_path: Path) -> None:
    subscribed = encrypted(tmp_path)
    add(tmp_path / "Pulumi.local.yaml", subscribed)
    with pytest.raises(UsageError) as refused:
        load_config("local", tmp_path, SITELOGIX, {"PULUMI_CONFIG_PASSPHRASE": "another"})
    assert refused.value.what == "Pulumi.local.yaml: Pulumi cannot resolve the configuration of stack local."
    assert refused.value.next == "Set PULUMI_CONFIG_PASSPHRASE to the passphrase of this stack, then repeat."


def add(file: Path, lines: str) -> None:
    """Writes the committed stack file of the local stack, with these lines more in its configuration."""
    committed = (PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8")
    file.write_text(committed.replace("config:\n", f"config:\n{lines}"), encoding="utf-8")


@dataclass
class Configured:
    """A migrated stack with default tags and a secret webhook, and what was said on the way."""

    stack: SmallStack
    planned: str
    summary: Summary
    webhook: str
    heard: list[str]

    @property
    def config(self) -> StackConfig:
        return load_config("local", self.stack.directory, Project(NAME, SCHEMA), told("local"))

    def tags(self, table: str) -> dict[str, str]:
        arn = self.stack.client.describe_table(TableName=self.stack.physical(table))["Table"]["TableArn"]
        tags = self.stack.client.list_tags_of_resource(ResourceArn=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags}

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The CLI by hand, on the program of this stack."""
        (self.stack.directory / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        environment = {
            **pulumi_environment(self.config, Project(NAME, SCHEMA)),
            **attached(),
            "PYTHONPATH": str(PROJECT),
        }
        return subprocess.run(
            [str(shutil.which("pulumi")), *arguments, "--stack", "local", "--non-interactive"],
            cwd=self.stack.directory,
            env={**os.environ, **environment, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Iterator[Configured]:
    heard: list[str] = []
    with listening(heard) as webhook:
        yield from _configured(tmp_path_factory, moto_endpoint, webhook, heard)


@contextmanager
def listening(heard: list[str]) -> Iterator[str]:
    """Somebody who hears what is posted to the URL that this gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    # SNS wants https; moto posts to whatever URL there is.
    yield f"http://127.0.0.1:{server.server_port}/{TOKEN}"
    server.shutdown()
    server.server_close()
    thread.join()


def _configured(
    tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str, webhook: str, heard: list[str]
) -> Iterator[Configured]:
    subscribed = encrypted(tmp_path_factory.mktemp("encrypting"), webhook)
    directory = tmp_path_factory.mktemp("configured")
    stack = SmallStack.make(directory, moto_endpoint, SCHEMA, TAGS + subscribed + APPROVED)
    stack.seed({"personnel": PEOPLE})
    context = stack.context()
    planned = "\n".join(str(step.name) for step in plan(SCHEMA, context.config.settings, context.read_world()).steps)
    yield Configured(stack, planned, stack.migrate(), webhook, heard)
    forget(stack)


def test_the_migration_comes_to_its_end(configured: Configured) -> None:
    assert "adopt" in configured.planned
    assert configured.summary.blocked == ()
    assert configured.stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_new_resources_get_the_default_tags_and_an_adopted_table_keeps_its_own(configured: Configured) -> None:
    assert configured.tags("work-logs") == {"CostCenter": "42"}
    assert configured.tags("personnel") == {}


def test_the_webhook_is_subscribed(configured: Configured) -> None:
    sns = boto3.client(
        "sns",
        endpoint_url=configured.stack.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    found = sns.list_subscriptions_by_topic(TopicArn=configured.config.topic_arn)["Subscriptions"]
    assert [(each["Protocol"], each["Endpoint"]) for each in found] == [("https", configured.webhook)]
    assert [json.loads(message)["Type"] for message in configured.heard[:1]] == ["Notification"]


def test_a_plain_preview_reads_the_same_configuration_and_plans_nothing(configured: Configured) -> None:
    before = (configured.stack.directory / "Pulumi.local.yaml").read_bytes()
    result = configured.pulumi("preview", "--expect-no-changes", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert TOKEN not in result.stdout + result.stderr
    assert (configured.stack.directory / "Pulumi.local.yaml").read_bytes() == before


def test_the_webhook_stands_in_no_state_no_ledger_and_no_report(configured: Configured) -> None:
    state = "".join(path.read_text(encoding="utf-8") for path in configured.stack.state.rglob("*") if path.is_file())
    assert '"endpoint":{"4dabf18193072939515e22adb298388d"' in "".join(state.split())
    ledger = json.dumps(configured.stack.client.scan(TableName=configured.config.ledger_name)["Items"], default=str)
    report = json.dumps(RunResult("local", SCHEMA, configured.summary).document(), default=str)
    for text in (state, ledger, report, configured.planned):
        assert TOKEN not in text


def test_an_adopted_table_is_protected_again_after_a_refresh_in_spite_of_the_default_tags(
    configured: Configured,
) -> None:
    table = configured.stack.physical("personnel")
    configured.stack.client.update_table(TableName=table, DeletionProtectionEnabled=False)
    context = configured.stack.context()
    with context.ledger.lease.held("migrate"):
        # Reads the tags of AWS into the inputs of the state; the plugin's Check puts the default tags there.
        context.engine.refresh()
    assert configured.stack.migrate().blocked == ()
    assert configured.stack.client.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"]
    assert configured.tags("personnel") == {}
