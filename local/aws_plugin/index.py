"""aws:dynamodb/globalSecondaryIndex:GlobalSecondaryIndex.

As in the real plugin, Pulumi's `custom_timeouts` have no effect here: how long a change is waited for is the resource's
own `timeouts` input, by default 30 minutes for a creation, 60 for an update, 10 for a deletion, and never less than 20.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.aws_plugin.of_others import Maximum, Warm, maximum
from local.aws_plugin.resource import (
    UNKNOWN,
    Difference,
    Found,
    PluginError,
    Properties,
    ResourceType,
    Strict,
    said,
    wait_until,
)
from local.aws_plugin.table_properties import ON_DEMAND

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NO_ID = "missing ID"
"""The id that the real plugin gives an index, whatever its name: it is found again by its state."""

_DEFAULT_TIMEOUTS = {"create": "30m", "update": "60m", "delete": "10m"}
LEAST_SECONDS = 20 * 60
"""What the real plugin waits for at least, whatever the input says (upstream: `max(updateTableTimeout, timeout)`)."""
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class _Key(Strict):
    attribute_name: str
    attribute_type: str
    key_type: str


class _Projection(Strict):
    projection_type: str
    non_key_attributes: list[str] | None = None


class _Throughput(Strict):
    read_capacity_units: int
    write_capacity_units: int


class _Timeouts(Strict):
    create: str | None = None
    update: str | None = None
    delete: str | None = None


class _Inputs(Strict):
    index_name: str
    table_name: str
    key_schemas: list[_Key]
    projection: _Projection | None = None
    provisioned_throughput: _Throughput | None = None
    timeouts: _Timeouts | None = None
    # Known to the program only after an import, which fills them in.
    on_demand_throughput: Maximum | None = None
    warm_throughput: Warm | None = None
    region: str | None = None


class IndexType(ResourceType["DynamoDBClient"]):
    """Indexes of tables, imported as `<table>,<index>`."""

    INPUTS = _Inputs

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        replacing: list[str] = [
            key
            for key in ("indexName", "tableName", "keySchemas", "projection")
            if key in inputs and inputs[key] != UNKNOWN and state.get(key) != inputs[key]
        ]
        changed = list(replacing)
        wanted = inputs.get("provisionedThroughput")
        if wanted is not None and wanted != state.get("provisionedThroughput"):
            changed.append("provisionedThroughput")
        if inputs.get("timeouts") != state.get("timeouts"):
            changed.append("timeouts")
        if changed:
            # What AWS computes anew from a change is part of the real plugin's diff.
            changed.append("warmThroughput")
        return Difference(tuple(changed), tuple(replacing))

    def refuse(self, difference: Difference) -> None:
        if difference.changed == ("timeouts", "warmThroughput"):
            # The bridge's own words: it never learns the warm throughput that it takes for changed.
            raise PluginError('unexpected unknown property value for "warmThroughput"')

    def create(self, inputs: Properties, timeout: float) -> Found:
        table_name, index_name = inputs["tableName"], inputs["indexName"]
        what = f"creating AWS DynamoDB Global Secondary Index ({table_name},{index_name})"
        seconds = _seconds(inputs, "create")
        self._wait(table_name, seconds)
        table: Any = self._client.describe_table(TableName=table_name)["Table"]
        if any(index["IndexName"] == index_name for index in table.get("GlobalSecondaryIndexes", [])):
            raise PluginError(f"{what}: the index exists already")
        on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND
        throughput = inputs.get("provisionedThroughput")
        if throughput is None and not on_demand:
            raise PluginError(_invalid_throughput("must", "PROVISIONED"))
        if throughput is not None and on_demand:
            raise PluginError(_invalid_throughput("cannot", ON_DEMAND))
        types = {item["AttributeName"]: item["AttributeType"] for item in table["AttributeDefinitions"]}
        types |= {key["attributeName"]: key["attributeType"] for key in inputs["keySchemas"]}
        projection = inputs.get("projection") or {"projectionType": "ALL"}
        creation: dict[str, Any] = {
            "IndexName": index_name,
            "KeySchema": [
                {"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in inputs["keySchemas"]
            ],
            "Projection": {"ProjectionType": projection["projectionType"]}
            | ({"NonKeyAttributes": projection["nonKeyAttributes"]} if projection.get("nonKeyAttributes") else {}),
        }
        if throughput is not None:
            creation["ProvisionedThroughput"] = _capacity(throughput)
        self._change(what, table_name, {"Create": creation}, types)
        self._wait(table_name, seconds)
        return self._made(what, "", inputs)

    def read(self, id: str, state: Properties) -> Found | None:
        table_name, index_name = _names(id, state)
        try:
            table: Any = self._client.describe_table(TableName=table_name)["Table"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return None
            raise
        index = self._index(table, index_name)
        if index is None:
            # An import of what is not there gives the real plugin's phantom: the id, and nothing else.
            return None if state else Found(id=id, inputs={}, state={})
        types = {item["AttributeName"]: item["AttributeType"] for item in table["AttributeDefinitions"]}
        projection: Properties = {"projectionType": index["Projection"]["ProjectionType"]}
        if index["Projection"].get("NonKeyAttributes"):
            projection["nonKeyAttributes"] = sorted(index["Projection"]["NonKeyAttributes"])
        inputs: Properties = {
            "indexName": index_name,
            "tableName": table_name,
            "keySchemas": [
                {
                    "attributeName": key["AttributeName"],
                    "attributeType": types[key["AttributeName"]],
                    "keyType": key["KeyType"],
                }
                for key in index["KeySchema"]
            ],
            "projection": projection,
            "region": self._client.meta.region_name,
        }
        capacity = index.get("ProvisionedThroughput") or {}
        if capacity.get("WriteCapacityUnits"):
            inputs["provisionedThroughput"] = {
                "readCapacityUnits": capacity["ReadCapacityUnits"],
                "writeCapacityUnits": capacity["WriteCapacityUnits"],
            }
        limits = maximum(index.get("OnDemandThroughput"))
        if limits:
            inputs["onDemandThroughput"] = limits
        if state.get("timeouts"):
            # AWS does not know them: they stay as the state has them.
            inputs["timeouts"] = state["timeouts"]
        return Found(id=NO_ID, inputs=inputs, state={**inputs, "arn": f"{table['TableArn']}/index/{index_name}"})

    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        table_name, index_name = inputs["tableName"], inputs["indexName"]
        what = f"updating AWS DynamoDB Global Secondary Index ({table_name},{index_name})"
        if inputs.get("provisionedThroughput") != state.get("provisionedThroughput"):
            update = {"IndexName": index_name, "ProvisionedThroughput": _capacity(inputs["provisionedThroughput"])}
            self._change(what, table_name, {"Update": update}, {})
            self._wait(table_name, _seconds(inputs, "update"))
        return self._made(what, "", inputs)

    def delete(self, state: Properties, timeout: float) -> None:
        table_name, index_name = state["tableName"], state["indexName"]
        if self.read("", state) is None:
            return
        what = f"deleting AWS DynamoDB Global Secondary Index ({table_name},{index_name})"
        self._change(what, table_name, {"Delete": {"IndexName": index_name}}, {})
        seconds = _seconds(state, "delete")
        wait_until(lambda: self.read("", state) is None, f"index {index_name} to be gone", seconds)

    def _change(self, what: str, table_name: str, change: dict[str, Any], types: dict[str, str]) -> None:
        definitions: Any = [{"AttributeName": name, "AttributeType": kind} for name, kind in sorted(types.items())]
        request: dict[str, Any] = {"AttributeDefinitions": definitions} if types else {}
        updates: Any = [change]
        try:
            self._client.update_table(TableName=table_name, GlobalSecondaryIndexUpdates=updates, **request)
        except ClientError as error:
            raise PluginError(f"{what}: {said(error)}") from error

    def _wait(self, table_name: str, timeout: float) -> None:
        def settled() -> bool:
            table: Any = self._client.describe_table(TableName=table_name)["Table"]
            indexes = table.get("GlobalSecondaryIndexes", [])
            return table["TableStatus"] == "ACTIVE" and all(index["IndexStatus"] == "ACTIVE" for index in indexes)

        wait_until(settled, f"table {table_name} and its indexes to become ACTIVE", timeout)

    @staticmethod
    def _index(table: Any, index_name: str) -> Any:
        indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
        return indexes.get(index_name)


def _seconds(properties: Properties, operation: str) -> float:
    """How long an operation may take: by the `timeouts` of these properties, which are Go's durations."""
    wanted = (properties.get("timeouts") or {}).get(operation) or _DEFAULT_TIMEOUTS[operation]
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", wanted)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != wanted:
        raise PluginError(f'timeouts.{operation}: "{wanted}" is no duration')
    return max(LEAST_SECONDS, sum(float(number) * _UNITS[unit] for number, unit in parts))


def _invalid_throughput(verb: str, billing_mode: str) -> str:
    return (
        '[AttributeName("provisioned_throughput")] Invalid Attribute Combination: '
        f'Attribute "provisioned_throughput" {verb} be specified when the associated table\'s attribute '
        f'"billing_mode" is "{billing_mode}".'
    )


def _names(id: str, state: Properties) -> tuple[str, str]:
    if state.get("tableName") and state.get("indexName"):
        return state["tableName"], state["indexName"]
    table_name, separator, index_name = id.partition(",")
    if not separator:
        raise PluginError(f"an index is imported as <table>,<index>, not as {id!r}")
    return table_name, index_name


def _capacity(throughput: Properties) -> dict[str, int]:
    return {
        "ReadCapacityUnits": int(throughput["readCapacityUnits"]),
        "WriteCapacityUnits": int(throughput["writeCapacityUnits"]),
    }
