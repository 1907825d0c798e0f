"""What others set of a table, as the real plugin reads it and compares it: replicas, local indexes, the maximum on
demand, warm throughput. Pure.

What is left out of the inputs means: none. So replicas that a program does not name are removed, and a table whose
local indexes it does not name is replaced (hashicorp/terraform-provider-aws, internal/service/dynamodb/table.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.aws_plugin.resource import Properties, Strict

LEAST_WARM = (12000, 4000)
"""Read and write units a second. Up to these the real plugin takes warm throughput for AWS's own default."""


class Maximum(Strict):
    """The most that a table or an index serves on demand, as an input."""

    max_read_request_units: int | None = None
    max_write_request_units: int | None = None


class Warm(Strict):
    """What a table or an index can serve at once, as an input."""

    read_units_per_second: int | None = None
    write_units_per_second: int | None = None


def replaced(state: Properties, inputs: Properties) -> Iterator[str]:
    """The properties that plan a replacement."""
    if _by_name(state) != _by_name(inputs):
        yield "localSecondaryIndexes"


def changed(state: Properties, inputs: Properties) -> Iterator[str]:
    """The properties that plan an update."""
    if _regions(state) != _regions(inputs):
        yield "replicas"
    if (state.get("onDemandThroughput") or None) != (inputs.get("onDemandThroughput") or None):
        yield "onDemandThroughput"
    warm = inputs.get("warmThroughput")
    if warm is not None and warm != state.get("warmThroughput"):
        yield "warmThroughput"


def removed_replicas(state: Properties, inputs: Properties) -> list[str]:
    """The regions whose replicas an update removes, with their items."""
    return sorted(_regions(state) - _regions(inputs))


def unmatched_attributes(inputs: Properties, elsewhere: set[str]) -> str:
    """The sort keys of local indexes that are neither declared nor keys of live indexes, as Go prints a list."""
    declared = {item["name"] for item in inputs["attributes"]} | elsewhere
    sort_keys = {index["rangeKey"] for index in inputs.get("localSecondaryIndexes") or []}
    missing = sorted(sort_keys - declared)
    return "[" + " ".join(f'"{name}"' for name in missing) + "]" if missing else ""


def found(table: Any) -> Properties:
    """What AWS describes of it, as inputs. What is not there is no input."""
    inputs: Properties = {
        "replicas": [_replica(replica) for replica in table.get("Replicas", [])],
        "localSecondaryIndexes": [_local_index(index) for index in table.get("LocalSecondaryIndexes", [])],
        "onDemandThroughput": maximum(table.get("OnDemandThroughput")),
        "warmThroughput": warm_throughput(table.get("WarmThroughput")),
    }
    return {name: value for name, value in inputs.items() if value}


def maximum(described: Any) -> Properties:
    """The most units that a table or an index serves on demand."""
    units = described or {}
    named = {"maxReadRequestUnits": "MaxReadRequestUnits", "maxWriteRequestUnits": "MaxWriteRequestUnits"}
    return {name: units[of] for name, of in named.items() if of in units}


def warm_throughput(described: Any) -> Properties:
    """What a table can serve at once, where that is more than the default."""
    warm = described or {}
    read, write = warm.get("ReadUnitsPerSecond", 0), warm.get("WriteUnitsPerSecond", 0)
    if (read < LEAST_WARM[0] and write < LEAST_WARM[1]) or (read, write) == LEAST_WARM:
        return {}
    return {"readUnitsPerSecond": read, "writeUnitsPerSecond": write}


def _replica(described: Any) -> Properties:
    return {"regionName": described["RegionName"], "consistencyMode": "EVENTUAL"}


def _local_index(described: Any) -> Properties:
    sort_key = next(key["AttributeName"] for key in described["KeySchema"] if key["KeyType"] == "RANGE")
    projection = described["Projection"]
    others = {"nonKeyAttributes": projection["NonKeyAttributes"]} if projection.get("NonKeyAttributes") else {}
    return {
        "name": described["IndexName"],
        "rangeKey": sort_key,
        "projectionType": projection["ProjectionType"],
        **others,
    }


def _by_name(properties: Properties) -> dict[str, Properties]:
    return {index["name"]: index for index in properties.get("localSecondaryIndexes") or []}


def _regions(properties: Properties) -> set[str]:
    return {replica["regionName"] for replica in properties.get("replicas") or []}
