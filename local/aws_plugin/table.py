"""aws:dynamodb/table:Table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.aws_plugin import of_others
from local.aws_plugin import table_properties as properties
from local.aws_plugin.resource import (
    UNKNOWN,
    Difference,
    Found,
    PluginError,
    Properties,
    ResourceType,
    one_error,
    said,
    tags_of,
    wait_until,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class TableType(ResourceType["DynamoDBClient"]):
    """Tables, by name. Inline indexes are not served: the program declares every index as a resource."""

    INPUTS = properties.Inputs

    @property
    def defaults(self) -> Properties:
        return {"tableClass": "STANDARD"}

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        if inputs.get("localSecondaryIndexes"):
            self._refuse_unmatched(state["name"], inputs)
        return properties.difference(state, inputs)

    def planned(self, inputs: Properties) -> Properties:
        unused = properties.unused_attributes(inputs)
        if unused:
            raise PluginError(one_error(f"all attributes must be indexed. Unused attributes: {unused}"))
        return {**inputs, "arn": UNKNOWN, "streamArn": UNKNOWN, "streamLabel": UNKNOWN}

    def recomputed(self, state: Properties, inputs: Properties) -> tuple[str, ...]:
        changed = set(self.diff(state, inputs).changed)
        return ("streamArn", "streamLabel") if changed & {"streamEnabled", "streamViewType"} else ()

    def create(self, inputs: Properties, timeout: float) -> Found:
        name = inputs["name"]
        try:
            self._client.create_table(**properties.creation(inputs))
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
        request = properties.table_update(changed, inputs)
        try:
            if changed & {"streamEnabled", "streamViewType"}:
                if inputs.get("streamEnabled") and state.get("streamEnabled"):
                    # Another view type needs the old stream switched off first, which ends it.
                    doing += ": cycling stream enabled"
                    self._client.update_table(TableName=id, StreamSpecification={"StreamEnabled": False})
                    self._wait(id, timeout)
                request["StreamSpecification"] = properties.stream_specification(inputs)
            if request:
                self._client.update_table(TableName=id, **request)
        except ClientError as error:
            raise PluginError(one_error(f"{doing}: {said(error)}")) from error
        self._wait(id, timeout)
        if "ttl" in changed:
            self._set_expiry(id, state, inputs)
        if "pointInTimeRecovery" in changed:
            self._set_recovery(id, inputs)
        if "replicas" in changed:
            for region in of_others.removed_replicas(state, inputs):
                self._client.update_table(TableName=id, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
                self._wait(id, timeout)
        if "tags" in changed:
            self._set_tags(state, inputs, ResourceArn=state["arn"])
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

    def _refuse_unmatched(self, name: str, inputs: Properties) -> None:
        table: Any = self._client.describe_table(TableName=name)["Table"]
        indexed = {key["AttributeName"] for index in table["GlobalSecondaryIndexes"] for key in index["KeySchema"]}
        unmatched = of_others.unmatched_attributes(inputs, indexed)
        if unmatched:
            text = f"all indexes must match a defined attribute. Unmatched indexes: {unmatched}"
            raise PluginError(one_error(text))

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

    def _found(self, name: str) -> Found:
        table: Any = self._client.describe_table(TableName=name)["Table"]
        backups: Any = self._client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        expiry: Any = self._client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        tags = self._client.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags", [])
        return properties.found(table, backups, expiry, tags_of(tags), self._client.meta.region_name)
