"""A small stack of one's own on moto and the real engine, driven in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from components.program import declare
from local.stack import LocalStack, create_table, put_items
from migration.run.runner import Summary, migrate
from migration.session import engine
from migration.session.cli import Cli
from migration.session.context import Context
from migration.session.engine import Engine
from migration.session.locks import Locks
from migration.session.notifying import Notifier
from migration.session.stopping import Interrupts
from schema.model import Index, Schema
from schema.project import Project
from schema.references import IndexRef
from sitelogix.tables import PERSONNEL, WORK_LOGS
from stack.aws import cloudwatch, dynamodb, dynamodb_once, sns
from stack.file.config import load_config
from stack.ledger.history import History
from stack.ledger.ledger import Ledger
from stack.world.world import World
from terminal.session import pulumi_environment
from terminal.workspace import told
from tests.limits import HANGS
from tests.plugin import attached
from tests.silence import SilentReporter

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PROJECT = Path(__file__).resolve().parents[1]
NAME = "sitelogix"
"""The Pulumi project of the stack, and the namespace of its settings."""
CLOCK = "2026-01-02T03:04:05Z"
APPROVED = """\
  sitelogix:approvals:
    personnel/GSI2-ProjectIndex: {applicationUpdated: true, testsPassed: true, by: a test, at: "2025-11-04"}
"""


SCHEMA = Schema((PERSONNEL, WORK_LOGS))
PEOPLE: list[dict[str, Any]] = [
    {"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}, "full_name": {"S": "Ana"}, "project_id": {"S": "p1"}},
    {"PK": {"S": "PERSON#1"}, "SK": {"S": "HISTORY#r1#2025-03-03T00:00:00Z"}},
]
OLD, NEW = IndexRef("personnel", "GSI2-ProjectIndex"), IndexRef("personnel", "GSI2-StatusIndex")


@cache
def _pulumi() -> Cli:
    """The CLI; asking for its version once is enough."""
    return Cli()


@dataclass
class SmallStack:
    """A local stack in a directory of its own, for any schema; tables get a few items each."""

    directory: Path
    endpoint: str
    schema: Schema
    prefix: str
    watch: str = "{minutes: 0, leastWrites: 0}"
    backend: str = "file://.local/state"
    name: str = "local"

    @staticmethod
    def make(directory: Path, endpoint: str, schema: Schema, extra: str = "", name: str = "local") -> SmallStack:
        """Writes the project's files, with `extra` lines of YAML in the stack file's config."""
        stack = SmallStack(directory, endpoint, schema, f"t{uuid.uuid4().hex[:8]}-", name=name)
        for file in ("Pulumi.yaml", ".pulumi.version"):
            shutil.copy(PROJECT / file, directory / file)
        stack.configure(extra)
        return stack

    def configure(self, extra: str) -> None:
        """Writes the stack file anew."""
        committed = (PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8")
        salt = next(line for line in committed.splitlines() if line.startswith("encryptionsalt"))
        text = (
            "config:\n"
            "  aws:region: us-east-1\n"
            "  aws:accessKey: test\n"
            "  aws:secretKey: test\n"
            '  aws:skipCredentialsValidation: "true"\n'
            '  aws:skipRequestingAccountId: "true"\n'
            '  aws:skipMetadataApiCheck: "true"\n'
            "  aws:endpoints:\n"
            f"    - {{dynamodb: '{self.endpoint}', sts: '{self.endpoint}', cloudwatch: '{self.endpoint}',"
            f" sns: '{self.endpoint}', kms: '{self.endpoint}',"
            f" lambda: '{self.endpoint}', applicationautoscaling: '{self.endpoint}'}}\n"
            '  sitelogix:account: "123456789012"\n'
            f"  sitelogix:tablePrefix: {self.prefix}\n"
            f"  sitelogix:backend: {self.backend}\n"
            "  sitelogix:backfill: {writer: single, rate: 100000, readRate: 100000}\n"
            f"  sitelogix:lateWriters: {self.watch}\n" + extra
        )
        (self.directory / f"Pulumi.{self.name}.yaml").write_text(f"{text}{salt}\n", encoding="utf-8")

    def context(self, schema: Schema | None = None) -> Context:
        """What a task would open: settings read afresh, a new engine, a silent observer."""
        schema = schema or self.schema
        project = Project(NAME, schema)
        config = load_config(self.name, self.directory, project, told(self.name))
        LocalStack(config, project).install_plugin()
        (self.directory / ".local" / "state").mkdir(parents=True, exist_ok=True)
        client = dynamodb(config)
        ledger = Ledger(client, config)
        command = _pulumi()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "Cli", lambda: command)
            made = Engine(
                config,
                lambda live, declaration, on_refusal: declare(
                    schema, config, live, declaration, on_refusal, ledger.lease.check
                ),
                {**pulumi_environment(config, project), **attached()},
                ledger.lease.check,
                locks=Locks(ledger),
            )
        interrupts = Interrupts(lambda line: None, lambda: None)
        interrupts.pass_on = made.interrupt
        return Context(
            schema,
            config,
            client,
            dynamodb_once(config),
            cloudwatch(config),
            ledger,
            History(ledger, lambda: "a test", schema.digest),
            interrupts,
            made,
            SilentReporter(),
            Notifier(sns(config), config, lambda text: None),
            lambda: CLOCK,
        )

    def seed(self, items: dict[str, Iterable[dict[str, Any]]] | None = None) -> None:
        """Creates the pre-migration tables, with these items by table."""
        for table in self.schema:
            before = table.before()
            if before is not None:
                create_table(self.client, self.physical(table.name), before)
                put_items(self.client, self.physical(table.name), (items or {}).get(table.name, []))

    def migrate(self, schema: Schema | None = None) -> Summary:
        """A whole run."""
        return migrate(self.context(schema))

    def plain(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the Pulumi CLI on the stack by hand, with a program that declares the schema of SCHEMA."""
        program = (
            "from pathlib import Path\n"
            "from components.program import run\n"
            "from schema.project import Project\n"
            "from tests.stacks import NAME, SCHEMA\n"
            "run(Project(NAME, SCHEMA), Path(__file__).parent)\n"
        )
        (self.directory / "__main__.py").write_text(program, encoding="utf-8")
        project = Project(NAME, self.schema)
        config = load_config(self.name, self.directory, project)
        return subprocess.run(
            [_pulumi().command, *arguments, "--stack", self.name, "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env={**os.environ, **pulumi_environment(config, project), **attached(), "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )

    def world(self) -> World:
        """What a task would see now."""
        return self.context().read_world()

    @property
    def client(self) -> DynamoDBClient:
        return dynamodb(load_config(self.name, self.directory, Project(NAME, self.schema), told(self.name)))

    def physical(self, table: str) -> str:
        return f"{self.prefix}{table}"

    def indexes(self, table: str) -> list[str]:
        """The names of the live indexes of a table."""
        described = self.client.describe_table(TableName=self.physical(table))["Table"]
        return sorted(index["IndexName"] for index in described.get("GlobalSecondaryIndexes", []))

    @property
    def state(self) -> Path:
        """The directory in which Pulumi keeps this stack's state."""
        return self.directory / ".local" / "state" / ".pulumi"

    def checkpoint(self) -> dict[str, Any]:
        """Pulumi's state, as its backend keeps it."""
        found: dict[str, Any] = json.loads(self._checkpoint_file.read_text(encoding="utf-8"))
        return found

    def replace_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Writes Pulumi's state past the CLI, whose `stack import` would drop pending operations."""
        self._checkpoint_file.write_text(json.dumps(checkpoint), encoding="utf-8")

    def build_by_hand(self, table: str, index: Index, units: int = 5) -> None:
        """Creates an index with plain boto3."""
        described = self.client.describe_table(TableName=self.physical(table))["Table"]
        definitions: list[Any] = [*described["AttributeDefinitions"]]
        definitions += [{"AttributeName": key.name, "AttributeType": key.type.value} for key in index.keys]
        creation: Any = {
            "IndexName": index.name,
            "KeySchema": [
                {"AttributeName": key.name, "KeyType": kind}
                for key, kind in zip(index.keys, ("HASH", "RANGE"), strict=False)
            ],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": {"ReadCapacityUnits": units, "WriteCapacityUnits": units},
        }
        self.client.update_table(
            TableName=self.physical(table),
            AttributeDefinitions=definitions,
            GlobalSecondaryIndexUpdates=[{"Create": creation}],
        )

    def drop_by_hand(self, table: str, index: str) -> None:
        """Deletes an index with plain boto3."""
        self.client.update_table(
            TableName=self.physical(table), GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
        )

    @property
    def _checkpoint_file(self) -> Path:
        return self.state / "stacks" / NAME / f"{self.name}.json"
