"""A table's properties: what the program may give, what differs, what AWS is asked for, and what it describes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_plugin import of_others
from local.aws_plugin.resource import UNKNOWN, Difference, Found, Properties, Strict, tag_list

ON_DEMAND = "PAY_PER_REQUEST"


class _Attribute(Strict):
    name: str
    type: str


class _Recovery(Strict):
    enabled: bool
    recovery_period_in_days: int | None = None


class _Expiry(Strict):
    enabled: bool = False
    attribute_name: str | None = None


class _Encryption(Strict):
    enabled: bool
    kms_key_arn: str | None = None


class _Replica(Strict):
    region_name: str
    consistency_mode: str | None = None
    deletion_protection_enabled: bool | None = None
    kms_key_arn: str | None = None
    point_in_time_recovery: bool | None = None
    propagate_tags: bool | None = None


class _LocalIndex(Strict):
    name: str
    range_key: str
    projection_type: str
    non_key_attributes: list[str] | None = None


class Inputs(Strict):
    name: str
    hash_key: str
    range_key: str | None = None
    attributes: list[_Attribute]
    billing_mode: str | None = None
    read_capacity: int | None = None
    write_capacity: int | None = None
    stream_enabled: bool | None = None
    stream_view_type: str | None = None
    point_in_time_recovery: _Recovery | None = None
    deletion_protection_enabled: bool | None = None
    ttl: _Expiry | None = None
    server_side_encryption: _Encryption | None = None
    table_class: str | None = None
    tags: dict[str, str] | None = None
    local_secondary_indexes: list[_LocalIndex] | None = None
    # Known to the program only after an import, which fills them in.
    on_demand_throughput: of_others.Maximum | None = None
    replicas: list[_Replica] | None = None
    warm_throughput: of_others.Warm | None = None
    tags_all: dict[str, str] | None = None
    region: str | None = None


def difference(state: Properties, inputs: Properties) -> Difference:
    """What an update would change, as the real plugin shows it."""
    replacing = [key for key in ("name", "hashKey", "rangeKey") if (state.get(key) or "") != (inputs.get(key) or "")]
    replacing += of_others.replaced(state, inputs)
    changed = [
        key for key, wanted in _comparable(inputs).items() if wanted != UNKNOWN and _current(state, key) != wanted
    ]
    changed += of_others.changed(state, inputs)
    # What AWS computes anew from a change is part of the real plugin's diff.
    if {"streamEnabled", "streamViewType"} & set(changed):
        changed.append("streamArn")
    if "tags" in changed:
        changed.append("tagsAll")
    return Difference((*replacing, *changed), tuple(replacing))


def creation(inputs: Properties) -> dict[str, Any]:
    """What CreateTable is asked for."""
    request: dict[str, Any] = {
        "TableName": inputs["name"],
        "KeySchema": [
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(key_names(inputs), ("HASH", "RANGE"), strict=False)
        ],
        "AttributeDefinitions": [
            {"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs["attributes"]
        ],
        "BillingMode": inputs.get("billingMode") or "PROVISIONED",
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
        "Tags": tag_list(inputs.get("tags") or {}),
    }
    if request["BillingMode"] != ON_DEMAND:
        request["ProvisionedThroughput"] = _throughput(inputs)
    if inputs.get("streamEnabled"):
        request["StreamSpecification"] = stream_specification(inputs)
    if (inputs.get("serverSideEncryption") or {}).get("enabled"):
        request["SSESpecification"] = {"Enabled": True}
    return request


def table_update(changed: set[str], inputs: Properties) -> dict[str, Any]:
    """What UpdateTable is asked for, but for the stream."""
    request: dict[str, Any] = {}
    if changed & {"billingMode", "readCapacity", "writeCapacity"}:
        request["BillingMode"] = inputs.get("billingMode") or "PROVISIONED"
        if request["BillingMode"] != ON_DEMAND:
            request["ProvisionedThroughput"] = _throughput(inputs)
    if "deletionProtectionEnabled" in changed:
        request["DeletionProtectionEnabled"] = bool(inputs.get("deletionProtectionEnabled"))
    if "serverSideEncryption" in changed:
        request["SSESpecification"] = {"Enabled": bool(inputs["serverSideEncryption"]["enabled"])}
    if "onDemandThroughput" in changed:
        limits = inputs.get("onDemandThroughput") or {}
        request["OnDemandThroughput"] = {name[0].upper() + name[1:]: limits[name] for name in limits}
    if "tableClass" in changed:
        request["TableClass"] = inputs.get("tableClass") or "STANDARD"
    return request


def stream_specification(inputs: Properties) -> Any:
    """What a table's stream is to be."""
    if not inputs.get("streamEnabled"):
        return {"StreamEnabled": False}
    view_type = inputs.get("streamViewType")
    return {"StreamEnabled": True, **({"StreamViewType": view_type} if view_type else {})}


def _comparable(inputs: Properties) -> Properties:
    """The inputs that an update compares, with the provider's defaults for what is left out. A block that the
    provider computes (recovery, expiry, encryption) is compared only where it is given."""
    on_demand = inputs.get("billingMode") == ON_DEMAND
    wanted: Properties = {
        "billingMode": inputs.get("billingMode") or "PROVISIONED",
        "deletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
        "streamEnabled": bool(inputs.get("streamEnabled")),
        "tableClass": inputs.get("tableClass") or "STANDARD",
        "tags": inputs.get("tags") or {},
    }
    if not on_demand:
        wanted |= {key: inputs.get(key) or 0 for key in ("readCapacity", "writeCapacity")}
    if inputs.get("streamEnabled"):
        wanted["streamViewType"] = inputs.get("streamViewType")
    for block in ("pointInTimeRecovery", "ttl", "serverSideEncryption"):
        if inputs.get(block) is not None:
            wanted[block] = bool(inputs[block].get("enabled"))
    return wanted


def _current(state: Properties, key: str) -> Any:
    if key in {"pointInTimeRecovery", "ttl", "serverSideEncryption"}:
        return bool((state.get(key) or {}).get("enabled"))
    if key in {"readCapacity", "writeCapacity"}:
        return state.get(key) or 0
    if key == "tags":
        return state.get(key) or {}
    return state.get(key)


def key_names(inputs: Properties) -> list[str]:
    """The partition key, then the sort key if there is one."""
    return [key for key in (inputs.get("hashKey"), inputs.get("rangeKey")) if key]


def _throughput(inputs: Properties) -> dict[str, int]:
    return {
        "ReadCapacityUnits": int(inputs.get("readCapacity") or 0),
        "WriteCapacityUnits": int(inputs.get("writeCapacity") or 0),
    }


def unused_attributes(inputs: Properties) -> str:
    """The declared attributes that no key uses, as Go prints a list; empty if there are none."""
    unused = sorted({item["name"] for item in inputs["attributes"]} - set(key_names(inputs)))
    return "[" + " ".join(f'"{name}"' for name in unused) + "]" if unused else ""


def found(table: Any, backups: Any, expiry: Any, labels: Mapping[str, str], region: str) -> Found:
    """A table out of what AWS describes of it: the inputs that would make it so, and its state."""
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    stream = table.get("StreamSpecification") or {}
    on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    recovering = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
    expiring = expiry.get("TimeToLiveStatus") == "ENABLED"
    inputs: Properties = {
        "name": table["TableName"],
        "hashKey": keys["HASH"],
        "attributes": [
            {"name": item["AttributeName"], "type": item["AttributeType"]}
            for item in sorted(table["AttributeDefinitions"], key=lambda item: str(item["AttributeName"]))
        ],
        "billingMode": ON_DEMAND if on_demand else "PROVISIONED",
        "pointInTimeRecovery": {"enabled": recovering}
        | ({"recoveryPeriodInDays": recovery.get("RecoveryPeriodInDays", 35)} if recovering else {}),
        "tableClass": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "region": region,
    }
    # What is off or empty is no input: the real plugin leaves it out.
    if table.get("DeletionProtectionEnabled"):
        inputs["deletionProtectionEnabled"] = True
    if expiring:
        inputs["ttl"] = {"enabled": True, "attributeName": expiry.get("AttributeName", "")}
    if labels:
        inputs["tags"] = inputs["tagsAll"] = dict(labels)
    if "RANGE" in keys:
        inputs["rangeKey"] = keys["RANGE"]
    if not on_demand:
        inputs["readCapacity"] = table["ProvisionedThroughput"]["ReadCapacityUnits"]
        inputs["writeCapacity"] = table["ProvisionedThroughput"]["WriteCapacityUnits"]
    if stream.get("StreamEnabled"):
        inputs["streamEnabled"] = True
        inputs["streamViewType"] = stream.get("StreamViewType", "")
    encryption = table.get("SSEDescription", {})
    if encryption.get("Status") == "ENABLED":
        key = encryption.get("KMSMasterKeyArn")
        inputs["serverSideEncryption"] = {"enabled": True} | ({"kmsKeyArn": key} if key else {})
    inputs |= of_others.found(table)
    state = {
        **inputs,
        "deletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled")),
        "streamEnabled": bool(stream.get("StreamEnabled")),
        "ttl": {"enabled": expiring, "attributeName": expiry.get("AttributeName", "")},
        "tags": dict(labels),
        "tagsAll": dict(labels),
        "arn": table["TableArn"],
        "streamArn": table.get("LatestStreamArn") or "",
        "streamLabel": table.get("LatestStreamLabel") or "",
    }
    return Found(id=table["TableName"], inputs=inputs, state=state)
