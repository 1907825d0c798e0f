"""A local stack as a whole: its server, its data, its Pulumi state and its plugin, all under `.local/`.

All local stacks of a checkout share one server, each with a prefix of its own."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3

from local.passphrase import PASSPHRASE
from local.server import Server, ServerRecord
from schema.backfill import Item
from schema.errors import UsageError
from schema.model import Index, Table
from schema.project import Project
from stack.aws import dynamodb, translated_errors
from stack.file.config import StackConfig

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PLUGIN_VERSION = "7.51.1"
ANOTHER_PLUGIN = "KEYSHIFT_AWS_PLUGIN"
BATCH = 25
"""Items that one BatchWriteItem may put (AWS)."""

Say = Callable[[str], None]


class LocalStack:
    """Starts, loads, stops and wipes an embedded stack. `say` is told what is going on, a line each."""

    def __init__(self, config: StackConfig, project: Project, say: Say = lambda line: None) -> None:
        if urlsplit(config.endpoint or "").hostname not in {"127.0.0.1", "localhost"}:
            raise UsageError(
                f"{config.stack_file.name}: aws:endpoints has a wrong value.",
                "The local stack's endpoint is on this machine.",
                "Set its `dynamodb` to a URL such as http://127.0.0.1:5995",
            )
        self._config = config
        self._project = project
        self._say = say
        self._directory = config.checkout / ".local"
        self._server = Server(config.endpoint or "", self._directory)

    def up(self) -> None:
        """Sees to it that the server runs with the stack's data. A server that died took AWS and the ledger with it, so
        Pulumi's local state, which describes them, is started afresh. Of two at once the second waits. Raises
        UsageError where another local stack has the prefix, or another server."""
        with self._lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.install_plugin()
            if not self.is_up():
                self._start_afresh()

    def _lock(self) -> IO[str]:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            return (self._directory / "lock").open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                "The folder .local cannot be written.",
                f"{error}. The local stack keeps its data there.",
                "Make it a folder that you may write to, then repeat.",
            ) from error

    def _start_afresh(self) -> None:
        record = self._server.record()
        others = {stack: prefix for stack, prefix in record.loaded.items() if stack != self._name} if record else {}
        if record is None or not others:
            if self._server.stop() or self._state_files():
                self._say("The local server is gone or was never loaded: starting it and its Pulumi state afresh.")
            self._say(f"Starting the local AWS endpoint {self._config.endpoint} (moto) …")
            record = self._server.start()
        else:
            self._refuse_to_share(record, others)
        self._wipe_state()
        self._state.mkdir(parents=True, exist_ok=True)
        self._make_bucket()
        items, tables = load(dynamodb(self._config), self._config, self._project)
        self._server.mark_loaded(record, self._name, self._config.settings.table_prefix)
        self._say(f"Loaded {items:,} items into {tables} pre-migration tables.")

    def _refuse_to_share(self, record: ServerRecord, others: Mapping[str, str]) -> None:
        """Raises UsageError where the stack cannot be on the server that holds the others."""
        stack_file, other = self._config.stack_file.name, next(iter(others), None)
        if record.endpoint != self._config.endpoint:
            raise UsageError(
                f"{stack_file}: aws:endpoints is not where the other local stacks are.",
                f"Stack {other} is at {record.endpoint}; the local stacks of a checkout share one server.",
                f"Set it to {record.endpoint}, or run: ./invoke local.down",
            )
        for stack, prefix in others.items():
            if prefix == self._config.settings.table_prefix:
                raise UsageError(
                    f"{stack_file}: {self._config.setting('tablePrefix')} is also that of stack {stack}.",
                    "The local stacks of a checkout share one server, so their tables would have the same names.",
                    "Give each a prefix of its own.",
                )
        names = {self._config.physical_name(table.name) for table in self._project.schema}
        if names & {name for page in self._tables() for name in page}:
            raise UsageError(
                f"The data of local stack {self._name} were loaded in part.",
                "Their loading was stopped, and the server holds other stacks, too.",
                "Run: ./invoke local.reset",
            )

    def _tables(self) -> Iterable[list[str]]:
        pages = dynamodb(self._config).get_paginator("list_tables").paginate()
        return (page["TableNames"] for page in pages)

    def _make_bucket(self) -> None:
        """Makes the bucket of Pulumi's state, where that is in this server's S3. It goes with the server."""
        backend, endpoint = urlsplit(self._config.settings.backend), self._config.endpoint or ""
        server = parse_qs(backend.query).get("endpoint", [""])[0]
        if backend.scheme != "s3" or not server.endswith(urlsplit(endpoint).netloc):
            return
        config = self._config
        client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=config.access_key,
            aws_secret_access_key=config.secret_key,
        )
        client.create_bucket(Bucket=backend.netloc)

    def down(self) -> bool:
        """Ends the server; its data go with it. Returns whether it was running."""
        was_running = self._server.stop()
        self._wipe_state()
        return was_running

    def is_up(self) -> bool:
        """Whether the server runs and its data are whole."""
        record = self._server.record()
        return record is not None and record.endpoint == self._config.endpoint and self._name in record.loaded

    @property
    def _name(self) -> str:
        return self._config.name

    def environment(self) -> dict[str, str]:
        """What Pulumi needs for this stack alone: its own home, where the stand-in plugin is, and the passphrase."""
        return {
            "PULUMI_HOME": str(self._home),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def install_plugin(self) -> None:
        """Puts a script that runs the stand-in where Pulumi looks for its aws plugin, in this stack's own home.

        ANOTHER_PLUGIN in the environment names a program to run in its place: that is how the two are compared.
        """
        another = os.environ.get(ANOTHER_PLUGIN)
        script = self._home / "plugins" / f"resource-aws-v{PLUGIN_VERSION}" / "pulumi-resource-aws"
        root = Path(__file__).resolve().parent.parent
        command = shlex.join([another] if another else [sys.executable, "-m", "local.aws_plugin"])
        text = f'#!/bin/sh\nexport KEYSHIFT_PLUGIN_PARENT=$PPID\ncd {shlex.quote(str(root))} && exec {command} "$@"\n'
        if script.exists() and script.read_text(encoding="utf-8") == text:
            return
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)

    @property
    def _home(self) -> Path:
        return self._directory / "pulumi-home"

    @property
    def _state(self) -> Path:
        return self._directory / "state"

    def _state_files(self) -> list[Path]:
        """What Pulumi keeps of this stack: other stacks may share the backend."""
        found = self._state.glob(f".pulumi/*/**/{self._project.name}/{self._config.name}*")
        return [path for path in found if path.name.partition(".")[0] == self._config.name]

    def _wipe_state(self) -> None:
        for path in self._state_files():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def load(client: DynamoDBClient, config: StackConfig, project: Project) -> tuple[int, int]:
    """Creates the pre-migration tables with the project's data set. Returns how many items it put into how many."""
    items = tables = 0
    with translated_errors(config):
        for table in project.schema:
            before = table.before()
            if before is None:
                continue
            physical = config.physical_name(table.name)
            create_table(client, physical, before)
            tables += 1
            items += put_items(client, physical, project.items_of(table.name))
    return items, tables


def create_table(client: DynamoDBClient, physical: str, table: Table) -> None:
    """Creates a table of the schema with plain boto3, as an application's own tooling once did."""
    owners: list[Table | Index] = [table, *table.indexes]
    keys = {key.name: key for owner in owners for key in owner.keys}
    request: dict[str, Any] = {
        "TableName": physical,
        "AttributeDefinitions": [{"AttributeName": key.name, "AttributeType": key.type.value} for key in keys.values()],
        "KeySchema": _key_schema(table),
        "BillingMode": table.billing_mode.value,
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index),
                "Projection": _projection(index),
                **_throughput(index),
            }
            for index in table.indexes
        ],
        **_throughput(table),
    }
    if not table.indexes:
        del request["GlobalSecondaryIndexes"]
    client.create_table(**request)
    client.get_waiter("table_exists").wait(TableName=physical, WaiterConfig={"Delay": 1})


def put_items(client: DynamoDBClient, physical: str, items: Iterable[Item]) -> int:
    """Puts all items, 25 a request, and returns how many."""
    count = 0
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        requests: Any = [{"PutRequest": {"Item": item}} for item in batch]
        while requests:
            left = client.batch_write_item(RequestItems={physical: requests}).get("UnprocessedItems", {})
            requests = left.get(physical, [])
        count += len(batch)
    return count


def _projection(index: Index) -> dict[str, Any]:
    named = {"NonKeyAttributes": list(index.projection.attributes)} if index.projection.attributes else {}
    return {"ProjectionType": index.projection.type.value, **named}


def _key_schema(owner: Table | Index) -> list[dict[str, str]]:
    return [
        {"AttributeName": key.name, "KeyType": kind} for key, kind in zip(owner.keys, ("HASH", "RANGE"), strict=False)
    ]


def _throughput(owner: Table | Index) -> dict[str, Any]:
    if owner.throughput is None:
        return {}
    return {
        "ProvisionedThroughput": {
            "ReadCapacityUnits": owner.throughput.read,
            "WriteCapacityUnits": owner.throughput.write,
        }
    }
