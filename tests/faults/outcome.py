"""All that a finished migration leaves behind, without what may differ between two good ones: times, ids, ARNs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from tests.checkouts import Checkout

LEDGER = "sitelogix-migration-ledger"
Outcome = dict[str, Any]

# When and how often something was done is not what was reached. A killed backfill counts its lost page again; a killed
# look, or read of our own, is done again.
_IDS = {"arn", "table_id", "streams", "stream", "run"}
_TIMES = {"at", "started", "verified", "settled", "since", "clean_since", "looked", "ended"}
_COUNTS = {"changed", "skipped", "raced", "deleted", "scanned", "passes", "rate", "seconds", "remaining", "looks"}
_OWN_READS = {"units"}
_DAY = re.compile(r"-\d{8}$")
"""With which the name of a backup ends: a suite may run past midnight."""
_NOT_REACHED = _IDS | _TIMES | _COUNTS | _OWN_READS
# Known to Pulumi of an imported resource, and left to AWS for one that Pulumi made; and the port of a local stack.
_NOT_COMPARED = {"region", "tagsAll", "readCapacity", "writeCapacity", "billingMode", "onDemandThroughput", "endpoints"}


def outcome(checkout: Checkout) -> Outcome:
    """Tables with their items, proofs, backups and Pulumi's state, by name; to be compared as a whole."""
    records = [_plain(item) for item in checkout.items(LEDGER).values()]
    clocks = {record["clock"] for record in records if record["SK"] == "STATE"}
    names = [name for name in checkout.client.list_tables()["TableNames"] if name != LEDGER]
    return {
        "tables": {name: _definition(checkout, name) for name in names},
        "items": {name: _items(checkout, name, clocks) for name in names},
        "proofs": {record["SK"]: _lasting(record) for record in records if record["PK"] == "PROOF"},
        # Whoever is killed after the last step leaves its lease: with nothing to do nobody takes it over.
        "control": sorted(record["SK"] for record in records if record["PK"] == "CONTROL" and record["SK"] != "LEASE"),
        "backups": sorted(backup["TableName"] for backup in checkout.client.list_backups()["BackupSummaries"]),
        "state": state(checkout.path),
    }


def state(checkout: Path) -> dict[str, Any]:
    """Pulumi's state of the local stack: its resources, what is pending, and how many locks are left."""
    directory = checkout / ".local" / "state" / ".pulumi"
    document = json.loads((directory / "stacks" / "sitelogix" / "local.json").read_text(encoding="utf-8"))
    latest = document["checkpoint"]["latest"]
    return {
        "resources": {resource["urn"]: _resource(resource) for resource in latest["resources"]},
        "pending": latest.get("pending_operations", []),
        "locks": len(list(directory.glob("locks/**/*.json"))),
    }


def _items(checkout: Checkout, name: str, clocks: set[str]) -> dict[tuple[str, str], Any]:
    """Every item; what a backfill took from the clock is the same in each run but for the hour."""
    return {
        key: {attribute: "the clock" if value.get("S") in clocks else value for attribute, value in item.items()}
        for key, item in checkout.items(name).items()
    }


def _definition(checkout: Checkout, name: str) -> dict[str, Any]:
    client = checkout.client
    table: Any = client.describe_table(TableName=name)["Table"]
    kept = {key: table.get(key) for key in ("KeySchema", "StreamSpecification", "DeletionProtectionEnabled")}
    recovery: Any = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    tags = client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    return {
        **kept,
        "capacity": _capacity(table),
        "attributes": sorted(definition["AttributeName"] for definition in table["AttributeDefinitions"]),
        "indexes": {
            index["IndexName"]: (index["KeySchema"], index["Projection"], index["IndexStatus"], _capacity(index))
            for index in table["GlobalSecondaryIndexes"]
        },
        "recovery": recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "expiry": client.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
        "encryption": table.get("SSEDescription", {}).get("Status"),
    }


def _capacity(owner: Any) -> Any:
    throughput = owner.get("ProvisionedThroughput", {})
    return throughput.get("ReadCapacityUnits"), throughput.get("WriteCapacityUnits")


def _lasting(proof: dict[str, Any]) -> dict[str, Any]:
    lasting = {name: value for name, value in proof.items() if name not in _NOT_REACHED}
    return lasting | {"name": _DAY.sub("", proof["name"])} if "name" in proof else lasting


def _resource(resource: dict[str, Any]) -> dict[str, Any]:
    kept = ("type", "custom", "parent", "protect", "retainOnDelete", "resourceHooks", "delete", "external")
    inputs = {name: value for name, value in resource.get("inputs", {}).items() if name not in _NOT_COMPARED}
    return {**{name: resource.get(name) for name in kept}, "inputs": inputs}


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
