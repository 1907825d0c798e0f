"""A small stack in one file (JSON, packed), as the release that made it left it: AWS's tables, alarms and topics, and
Pulumi's state. It is read and made through AWS's own API, so that it outlives versions of moto.

What differs from one stack to the next is named in braces: the prefix, the endpoint, the host, AWS's ids and ARNs.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from stack.processes import Process, host
from tests.stacks import SCHEMA, SmallStack

TABLE = ("AttributeDefinitions", "KeySchema", "StreamSpecification", "DeletionProtectionEnabled")
INDEX = ("IndexName", "KeySchema", "Projection")


def dump(stack: SmallStack, code: str) -> dict[str, Any]:
    """The stack as it is now, as a document; `code` is the commit that made it."""
    ours = Process.current().machine
    names: dict[str, str] = {stack.prefix: "{prefix}", stack.endpoint: "{endpoint}"}
    names |= {f"@{host()}": "@{host}", ours: "elsewhere"}
    tables = []
    for name in sorted(stack.client.list_tables()["TableNames"]):
        if name.startswith(stack.prefix):
            tables.append(_table(stack, name))
            names |= _names(stack, name)
    kept = {"tables": tables, "watching": _watching(stack), "state": _files(stack.directory / ".local" / "state")}
    return {"code": code, "stack": json.loads(_replaced(json.dumps(kept, default=_encoded), names))}


def restore(document: Mapping[str, Any], stack: SmallStack) -> None:
    """Makes AWS and Pulumi's state what the document says, for a stack that has nothing yet."""
    names = {"{prefix}": stack.prefix, "{endpoint}": stack.endpoint, "{host}": host()}
    text = json.dumps(document["stack"])
    for table in json.loads(_replaced(text, names))["tables"]:
        _make(stack, table)
        names |= {ours: theirs for theirs, ours in _names(stack, table["TableName"]).items()}
    kept = json.loads(_replaced(text, names), object_hook=_decoded)
    for table in kept["tables"]:
        for item in table["Items"]:
            stack.client.put_item(TableName=table["TableName"], Item=item)
    watch, topics = _client(stack, "cloudwatch"), _client(stack, "sns")
    for topic in kept["watching"]["topics"]:
        topics.create_topic(Name=topic)
    for alarm in kept["watching"]["alarms"]:
        known = watch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        watch.put_metric_alarm(**{name: value for name, value in alarm.items() if name in known})
    for name, body in kept["watching"]["dashboards"].items():
        watch.put_dashboard(DashboardName=name, DashboardBody=body)
    for path, content in kept["state"].items():
        file = stack.directory / ".local" / "state" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    """The document in that file."""
    document: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return document


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Keeps the document in that file. `gunzip --stdout` shows it."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(document, indent=1, sort_keys=True).encode(), mtime=0))


def _table(stack: SmallStack, name: str) -> dict[str, Any]:
    described: Any = stack.client.describe_table(TableName=name)["Table"]
    made = {"TableName": name, **{key: described[key] for key in TABLE if key in described}, **_capacity(described)}
    found = described.get("GlobalSecondaryIndexes", [])
    indexes = [{**{key: index[key] for key in INDEX}, **_throughput(index)} for index in found]
    backups: Any = stack.client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    expiry: Any = stack.client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    tags = stack.client.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
    pages = stack.client.get_paginator("scan").paginate(TableName=name)
    return {
        **made,
        "GlobalSecondaryIndexes": indexes,
        "Recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED",
        "Expiry": expiry.get("AttributeName"),
        "Tags": tags,
        "Backups": [one["BackupName"] for one in stack.client.list_backups(TableName=name)["BackupSummaries"]],
        "Items": [_of_long_ago(dict(item)) for page in pages for item in page["Items"]],
    }


def _make(stack: SmallStack, table: Mapping[str, Any]) -> None:
    name = table["TableName"]
    given = (*TABLE, "BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexes", "Tags")
    creation: Any = {key: table[key] for key in given if table.get(key)}
    stack.client.create_table(TableName=name, **creation)
    if table["Recovery"]:
        stack.client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    if table["Expiry"]:
        expiry: Any = {"Enabled": True, "AttributeName": table["Expiry"]}
        stack.client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    for backup in table["Backups"]:
        stack.client.create_backup(TableName=name, BackupName=backup)


def _names(stack: SmallStack, name: str) -> dict[str, str]:
    """What AWS has called the table, its stream and its backups, by what stands for it in a document."""
    described: Any = stack.client.describe_table(TableName=name)["Table"]
    short = name.removeprefix(stack.prefix)
    names = {}
    if "TableId" in described:
        names[described["TableId"]] = f"{{id of {short}}}"
    if "LatestStreamLabel" in described:
        names[described["LatestStreamLabel"]] = f"{{stream of {short}}}"
    for one in stack.client.list_backups(TableName=name)["BackupSummaries"]:
        kind = one["BackupName"].removeprefix(stack.prefix)
        names[one["BackupArn"].rpartition("/")[2]] = f"{{backup {kind}}}"
    return names


def _capacity(described: Mapping[str, Any]) -> dict[str, Any]:
    mode = described.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    return {"BillingMode": mode, **_throughput(described)}


def _throughput(described: Mapping[str, Any]) -> dict[str, Any]:
    units = {key: described["ProvisionedThroughput"][key] for key in ("ReadCapacityUnits", "WriteCapacityUnits")}
    return {"ProvisionedThroughput": units} if any(units.values()) else {}


def _watching(stack: SmallStack) -> dict[str, Any]:
    watch, topics = _client(stack, "cloudwatch"), _client(stack, "sns")
    alarms = watch.describe_alarms(AlarmNamePrefix=stack.prefix)["MetricAlarms"]
    arns = [one["TopicArn"].rpartition(":")[2] for one in topics.list_topics()["Topics"]]
    found = watch.list_dashboards(DashboardNamePrefix=stack.prefix)["DashboardEntries"]
    boards = [one["DashboardName"] for one in found]
    return {
        "alarms": alarms,
        "topics": [name for name in arns if name.startswith(stack.prefix)],
        "dashboards": {name: watch.get_dashboard(DashboardName=name)["DashboardBody"] for name in boards},
    }


def _client(stack: SmallStack, service: str) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=stack.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _files(directory: Path) -> dict[str, str]:
    """Pulumi's state and its locks; its history and backups are for people."""
    found = {path.relative_to(directory): path for path in sorted(directory.rglob("*")) if path.is_file()}
    return {
        str(name): _of_no_host(path.read_text(encoding="utf-8"))
        for name, path in found.items()
        if not {"history", "backups"} & set(name.parts) and path.suffix not in {".bak", ".attrs"}
    }


def _of_long_ago(item: dict[str, Any]) -> dict[str, Any]:
    """A lease that was not given back has run out by the time at which a later release sees it."""
    return {**item, "renewed": {"N": "0"}} if item["SK"] == {"S": "LEASE"} else item


def _of_no_host(text: str) -> str:
    """A lock names its host."""
    return text.replace(f'"hostname":"{host()}"', '"hostname":"{host}"')


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _encoded(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)


def _decoded(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


def blank(directory: Path, endpoint: str, extra: str) -> SmallStack:
    """A stack that has nothing yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return SmallStack.make(directory, endpoint, SCHEMA, extra)
