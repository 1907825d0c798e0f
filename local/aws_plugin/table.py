"""aws:dynamodb/table:Table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.aws_plugin.resource import (
    UNKNOWN,
    Difference,
    Found,
    PluginError,
    Properties,
    Strict,
    faults,
    one_error,
    said,
    wait_until,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

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


class _Inputs(Strict):
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
    # Known to the program only after an import, which fills them in.
    tags_all: dict[str, str] | None = None
    region: str | None = None


class TableType:
    """Tables, by name. Inline indexes are not served: the program declares every index as a resource."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    @property
    def defaults(self) -> Properties:
        return {"tableClass": "STANDARD"}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        return faults(_Inputs, inputs)

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        replacing = [
            key for key in ("name", "hashKey", "rangeKey") if (state.get(key) or "") != (inputs.get(key) or "")
        ]
        changed = [
            key for key, wanted in _comparable(inputs).items() if wanted != UNKNOWN and _current(state, key) != wanted
        ]
        # What AWS computes anew from a change is part of the real plugin's diff.
        if {"streamEnabled", "streamViewType"} & set(changed):
            changed.append("streamArn")
        if "tags" in changed:
            changed.append("tagsAll")
        return Difference((*replacing, *changed), tuple(replacing))

    def planned(self, inputs: Properties) -> Properties:
        unused = sorted({item["name"] for item in inputs["attributes"]} - set(_key_names(inputs)))
        if unused:
            raise PluginError(one_error(f"all attributes must be indexed. Unused attributes: {_go_list(unused)}"))
        return {**inputs, "arn": UNKNOWN, "streamArn": UNKNOWN, "streamLabel": UNKNOWN}

    def create(self, inputs: Properties, timeout: float) -> Found:
        name = inputs["name"]
        request: dict[str, Any] = {
            "TableName": name,
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(_key_names(inputs), ("HASH", "RANGE"), strict=False)
            ],
            "AttributeDefinitions": [
                {"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs["attributes"]
            ],
            "BillingMode": inputs.get("billingMode") or "PROVISIONED",
            "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
            "Tags": [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()],
        }
        if request["BillingMode"] != ON_DEMAND:
            request["ProvisionedThroughput"] = _throughput(inputs)
        if inputs.get("streamEnabled"):
            request["StreamSpecification"] = _stream_specification(inputs)
        if (inputs.get("serverSideEncryption") or {}).get("enabled"):
            request["SSESpecification"] = {"Enabled": True}
        try:
            self._client.create_table(**request)
        except ClientError as error:
            raise PluginError(one_error(f"creating AWS DynamoDB Table ({name}): {said(error)}")) from error
        self._wait(name, timeout)
        self._set_expiry(name, {}, inputs)
        self._set_recovery(name, inputs)
        return self._found(name)

    def read(self, id: str, state: Properties) -> Found | None:
        try:
            found = self._found(id)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return None
            raise
        if state.get("streamViewType") and "streamViewType" not in found.inputs:
            # The real plugin remembers the view type of a stream that was switched off.
            found.state["streamViewType"] = state["streamViewType"]
        return found

    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        changed = set(self.diff(state, inputs).changed)
        doing = f"updating {urn}: 1 error occurred:\n\t* updating AWS DynamoDB Table ({id})"
        request = _table_update(changed, inputs)
        try:
            if changed & {"streamEnabled", "streamViewType"}:
                if inputs.get("streamEnabled") and state.get("streamEnabled"):
                    # Another view type needs the old stream switched off first, which ends it.
                    doing += ": cycling stream enabled"
                    self._client.update_table(TableName=id, StreamSpecification={"StreamEnabled": False})
                    self._wait(id, timeout)
                request["StreamSpecification"] = _stream_specification(inputs)
            if request:
                self._client.update_table(TableName=id, **request)
        except ClientError as error:
            raise PluginError(one_error(f"{doing}: {said(error)}")) from error
        self._wait(id, timeout)
        if "ttl" in changed:
            self._set_expiry(id, state, inputs)
        if "pointInTimeRecovery" in changed:
            self._set_recovery(id, inputs)
        if "tags" in changed:
            self._set_tags(state, inputs)
        return self._found(id)

    def delete(self, state: Properties, timeout: float) -> None:
        name = state["name"]
        try:
            self._client.delete_table(TableName=name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return
            raise PluginError(one_error(f"deleting AWS DynamoDB Table ({name}): {said(error)}")) from error
        wait_until(lambda: self.read(name, state) is None, f"table {name} to be gone", timeout)

    def _wait(self, name: str, timeout: float) -> None:
        def active() -> bool:
            return self._client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"

        wait_until(active, f"table {name} to become ACTIVE", timeout)

    def _set_expiry(self, name: str, state: Properties, inputs: Properties) -> None:
        expiry = inputs.get("ttl") or {}
        attribute = expiry.get("attributeName") or (state.get("ttl") or {}).get("attributeName") or ""
        if expiry.get("enabled") or attribute:
            self._client.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": bool(expiry.get("enabled")), "AttributeName": attribute},
            )

    def _set_recovery(self, name: str, inputs: Properties) -> None:
        recovery = inputs.get("pointInTimeRecovery")
        if recovery is None:
            return
        self._client.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": bool(recovery["enabled"])},
        )

    def _set_tags(self, state: Properties, inputs: Properties) -> None:
        wanted: Mapping[str, str] = inputs.get("tags") or {}
        gone = set(state.get("tags") or {}) - set(wanted)
        if gone:
            self._client.untag_resource(ResourceArn=state["arn"], TagKeys=sorted(gone))
        if wanted:
            self._client.tag_resource(
                ResourceArn=state["arn"], Tags=[{"Key": key, "Value": value} for key, value in wanted.items()]
            )

    def _found(self, name: str) -> Found:
        table: Any = self._client.describe_table(TableName=name)["Table"]
        backups: Any = self._client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        expiry: Any = self._client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        tags = self._client.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags", [])
        keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
        stream = table.get("StreamSpecification") or {}
        on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND
        recovery = backups.get("PointInTimeRecoveryDescription", {})
        recovering = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
        expiring = expiry.get("TimeToLiveStatus") == "ENABLED"
        labels = {tag["Key"]: tag["Value"] for tag in tags}
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
            "region": self._client.meta.region_name,
        }
        # What is off or empty is no input: the real plugin leaves it out.
        if table.get("DeletionProtectionEnabled"):
            inputs["deletionProtectionEnabled"] = True
        if expiring:
            inputs["ttl"] = {"enabled": True, "attributeName": expiry.get("AttributeName", "")}
        if labels:
            inputs["tags"] = inputs["tagsAll"] = labels
        if "RANGE" in keys:
            inputs["rangeKey"] = keys["RANGE"]
        if not on_demand:
            inputs["readCapacity"] = table["ProvisionedThroughput"]["ReadCapacityUnits"]
            inputs["writeCapacity"] = table["ProvisionedThroughput"]["WriteCapacityUnits"]
        if stream.get("StreamEnabled"):
            inputs["streamEnabled"] = True
            inputs["streamViewType"] = stream.get("StreamViewType", "")
        if table.get("SSEDescription", {}).get("Status") == "ENABLED":
            inputs["serverSideEncryption"] = {"enabled": True}
        state = {
            **inputs,
            "deletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled")),
            "streamEnabled": bool(stream.get("StreamEnabled")),
            "ttl": {"enabled": expiring, "attributeName": expiry.get("AttributeName", "")},
            "tags": labels,
            "tagsAll": labels,
            "arn": table["TableArn"],
            "streamArn": table.get("LatestStreamArn") or "",
            "streamLabel": table.get("LatestStreamLabel") or "",
        }
        return Found(id=table["TableName"], inputs=inputs, state=state)


def _table_update(changed: set[str], inputs: Properties) -> dict[str, Any]:
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
    if "tableClass" in changed:
        request["TableClass"] = inputs.get("tableClass") or "STANDARD"
    return request


def _stream_specification(inputs: Properties) -> Any:
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


def _key_names(inputs: Properties) -> list[str]:
    return [key for key in (inputs.get("hashKey"), inputs.get("rangeKey")) if key]


def _throughput(inputs: Properties) -> dict[str, int]:
    return {
        "ReadCapacityUnits": int(inputs.get("readCapacity") or 0),
        "WriteCapacityUnits": int(inputs.get("writeCapacity") or 0),
    }


def _go_list(names: list[str]) -> str:
    return "[" + " ".join(f'"{name}"' for name in names) + "]"
