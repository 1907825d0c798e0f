"""A place to try an aws plugin in: the real engine, moto, and programs of one or two resources."""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from pulumi import automation
from pulumi.automation import events
from pulumi.automation.errors import CommandError

from stack.world.managed import INDEX_TYPE, TABLE_TYPE
from tests.plugin import attached

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PROJECT = Path(__file__).resolve().parents[2]
PROJECT_NAME = "conformance"
SALT = {"encryptionsalt": "v1:O/sc2Tmb26w=:v1:cEcQnGmSQoYTXhRY:1uHok73GDjcnOO9vyI/1bM/973MP8w=="}
"""Of the passphrase `local`: a stack file that has it is left as it is."""
STAND_IN = f'export KEYSHIFT_PLUGIN_PARENT=$PPID; cd "{PROJECT}" && exec "{sys.executable}" -m local.aws_plugin "$@"'

Program = Callable[[], None]
Seen = dict[str, Any]
"""What one operation showed: its planned or made changes, its errors, and afterwards the state's inputs and AWS."""


class _Stack(automation.Stack):
    """A stack without the calls of the CLI that nobody looks at: they would take longer than the operations."""

    def __init__(self, name: str, workspace: automation.Workspace) -> None:
        # Not the base class's: it would run `stack select`.
        self.name = name
        self.workspace = workspace

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        return automation.UpdateSummary(
            kind="update", start_time=datetime.now(UTC), message="", environment={}, config={}, result="succeeded"
        )


class Lab:
    """One scenario's stack on one plugin. `plugin` is the path of a program, or None for the stand-in."""

    def __init__(self, plugin: str | None, endpoint: str, directory: Path) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
        access: Any = {
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        self.client: DynamoDBClient = boto3.client("dynamodb", **access)
        any_client: Any = boto3.client  # the types of further services are not installed
        self.kms = any_client("kms", **access)
        self.autoscaling = any_client("application-autoscaling", **access)
        self.seen: list[Seen] = []
        self._hidden: dict[str, str] = {}
        home, work, state = directory / "home", directory / "work", directory / "state"
        script = home / "plugins" / "resource-aws-v7.51.1" / "pulumi-resource-aws"
        for needed in (script.parent, work, state):
            needed.mkdir(parents=True, exist_ok=True)
        script.write_text("#!/bin/sh\n" + (f'exec "{plugin}" "$@"' if plugin else STAND_IN) + "\n", encoding="utf-8")
        script.chmod(0o755)
        self._checkpoint = state / ".pulumi" / "stacks" / PROJECT_NAME / "lab.json"
        (work / "Pulumi.lab.yaml").write_text(json.dumps({"config": _settings(endpoint), **SALT}), encoding="utf-8")
        workspace = automation.LocalWorkspace(
            work_dir=str(work),
            pulumi_home=str(home),
            project_settings=automation.ProjectSettings(
                name=PROJECT_NAME, runtime="python", backend=automation.ProjectBackend(f"file://{state}")
            ),
            env_vars={
                "PULUMI_CONFIG_PASSPHRASE": "local",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "PATH": os.environ["PATH"],
                **({} if plugin else attached()),
            },
            pulumi_command=_command(),
        )
        workspace.create_stack("lab")
        self._stack = _Stack("lab", workspace)

    def hide(self, text: str, name: str) -> None:
        """Notes the name wherever the text would be: it is another one in each run."""
        self._hidden[text] = name

    def recording(self) -> list[Seen]:
        """All that was seen, as JSON has it."""
        text = json.dumps(self.seen)
        for hidden, name in self._hidden.items():
            text = text.replace(hidden, name)
        seen: list[Seen] = json.loads(text)
        return seen

    def preview(self, program: Program) -> None:
        """Notes what an `up` of the program would change."""
        self._do("preview", program, lambda on_event: self._stack.preview(program=program, on_event=on_event))

    def up(self, program: Program) -> None:
        """Runs the program, then notes the changes, the state's inputs and AWS."""
        self._do("up", program, lambda on_event: self._stack.up(program=program, on_event=on_event))
        self.seen[-1] |= {"inputs": self._inputs(), "aws": self._aws()}

    def refresh(self) -> None:
        """Brings the state up to AWS, then notes what is in it."""
        self._do("refresh", None, lambda on_event: self._stack.refresh(on_event=on_event))
        self.seen[-1] |= {"inputs": self._inputs()}

    def _do(self, verb: str, program: Program | None, run: Callable[[Any], object]) -> None:
        changes: set[tuple[str, str, str]] = set()
        replacing: list[str] = []
        errors: list[str] = []

        def on_event(event: events.EngineEvent) -> None:
            if event.resource_pre_event is not None:
                metadata = event.resource_pre_event.metadata
                ours = metadata.type in {TABLE_TYPE, INDEX_TYPE}
                if ours and metadata.op not in {events.OpType.SAME, events.OpType.REFRESH}:
                    differs = sorted(name for name in metadata.diffs or [] if not name.startswith("__"))
                    if "replace" in metadata.op.value and metadata.op.value not in replacing:
                        replacing.append(str(metadata.op.value))
                    changes.add((str(metadata.op.value), metadata.urn.rsplit("::", 1)[1], ", ".join(differs)))
            if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
                errors.append(event.diagnostic_event.message)

        try:
            run(on_event)
        except CommandError:
            assert errors, "a failure without a message"
        texts = sorted({plain_error(error) for error in errors} - {""})
        self.seen.append({"verb": verb, "changes": sorted(map(list, changes)), "errors": texts})
        if replacing:
            self.seen[-1]["replacing"] = replacing

    def _inputs(self) -> dict[str, Any]:
        latest = json.loads(self._checkpoint.read_text(encoding="utf-8"))["checkpoint"]["latest"] or {}
        ours = [one for one in latest.get("resources", []) if one["type"] in {TABLE_TYPE, INDEX_TYPE}]
        return {
            one["urn"].rsplit("::", 1)[1]: {"id": one.get("id", ""), **without_marks(one.get("inputs", {}))}
            for one in ours
        }

    def _aws(self) -> dict[str, Any]:
        return {name: self._table(name) for name in sorted(self.client.list_tables()["TableNames"])}

    def _table(self, name: str) -> dict[str, Any]:
        table: Any = self.client.describe_table(TableName=name)["Table"]
        backups: Any = self.client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        expiry: Any = self.client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        tags = self.client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        return {
            "keys": table["KeySchema"],
            "attributes": sorted(item["AttributeName"] for item in table["AttributeDefinitions"]),
            "billing": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            "capacity": _capacity(table),
            "stream": table.get("StreamSpecification"),
            "protected": table.get("DeletionProtectionEnabled", False),
            "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "expiry": [expiry.get("TimeToLiveStatus"), expiry.get("AttributeName")],
            "encrypted": table.get("SSEDescription", {}).get("Status"),
            "tags": {tag["Key"]: tag["Value"] for tag in tags},
            "indexes": {
                index["IndexName"]: [index["KeySchema"], index["Projection"], _capacity(index)]
                for index in table.get("GlobalSecondaryIndexes", [])
            },
            **{name: value for name, value in _of_others(table).items() if value},
        }


def _settings(endpoint: str) -> dict[str, Any]:
    """The configuration of the provider."""
    return {
        "aws:region": "us-east-1",
        "aws:accessKey": "test",
        "aws:secretKey": "test",
        "aws:skipCredentialsValidation": "true",
        "aws:skipRequestingAccountId": "true",
        "aws:skipMetadataApiCheck": "true",
        # The real plugin asks KMS which key is the default one.
        "aws:endpoints": [{"dynamodb": endpoint, "sts": endpoint, "kms": endpoint}],
    }


@cache
def _command() -> automation.PulumiCommand:
    """The CLI; asking for its version once is enough."""
    return automation.PulumiCommand()


def plain_error(message: str) -> str:
    """An error's text without what differs from run to run, and without the engine's own words around it."""
    text = " ".join(message.split())
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"RequestID: [0-9A-Za-z-]+", "RequestID: …", text)
    # The differing properties come in the random order of a Go map.
    text = re.sub(r"(`import` declaration from your program); .*", r"\1", text)
    # The bridge logs each error of upstream code once more, in the words of its log.
    if text in {"update failed", "preview failed", "refresh failed"} or text.startswith(("sdk-v2/", "[ERROR] ")):
        return ""
    return text


def without_marks(value: Any) -> Any:
    """Inputs without the bridge's own marks (`__defaults`, `__meta`)."""
    if isinstance(value, dict):
        return {name: without_marks(item) for name, item in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [without_marks(item) for item in value]
    return value


def _of_others(table: Any) -> dict[str, Any]:
    """What only others set of a table."""
    indexes = table.get("GlobalSecondaryIndexes", [])
    return {
        "replicas": [replica["RegionName"] for replica in table.get("Replicas", [])],
        "local indexes": [
            [index["IndexName"], index["KeySchema"], index["Projection"]]
            for index in table.get("LocalSecondaryIndexes", [])
        ],
        "maximum": table.get("OnDemandThroughput"),
        "maximum of indexes": {
            index["IndexName"]: index["OnDemandThroughput"] for index in indexes if "OnDemandThroughput" in index
        },
    }


def _capacity(described: Any) -> list[int]:
    throughput = described.get("ProvisionedThroughput") or {}
    return [throughput.get("ReadCapacityUnits", 0), throughput.get("WriteCapacityUnits", 0)]
