"""The parts of an answer of DescribeTable in the terms of the schema: keys, indexes, projections, capacity. Pure.

Each raises ValueError or KeyError for what the schema has no word for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.model import Index
from schema.parts import Attribute, AttributeType, Projection, ProjectionType, Throughput

Types = Mapping[str, AttributeType]
"""The types of a table's key attributes, and of its indexes', by their names."""

HASH, RANGE = "HASH", "RANGE"


def types_of(table: Any) -> Types:
    """The types in a TableDescription's AttributeDefinitions."""
    return {item["AttributeName"]: AttributeType(item["AttributeType"]) for item in table["AttributeDefinitions"]}


def keys_of(key_schema: Any, types: Types, role: str) -> tuple[Attribute, ...]:
    """The attributes of one role (HASH: the partition key, RANGE: the sort key), in the order of the key schema."""
    names = [key["AttributeName"] for key in key_schema if key["KeyType"] == role]
    return tuple(Attribute(name, types[name]) for name in names)


def every_key(key_schema: Any, types: Types) -> tuple[Attribute, ...]:
    """The partition key's attributes, then the sort key's."""
    return keys_of(key_schema, types, HASH) + keys_of(key_schema, types, RANGE)


def index_of(described: Any, types: Types, *, on_demand: bool) -> Index:
    """A global secondary index out of its description."""
    partition_key, *more_partition_keys = keys_of(described["KeySchema"], types, HASH)
    sort_keys = keys_of(described["KeySchema"], types, RANGE)
    return Index(
        name=described["IndexName"],
        partition_key=partition_key,
        sort_key=sort_keys[0] if sort_keys else None,
        projection=projection_of(described["Projection"]),
        throughput=None if on_demand else throughput_of(described.get("ProvisionedThroughput")),
        more_partition_keys=tuple(more_partition_keys),
        more_sort_keys=sort_keys[1:],
    )


def projection_of(described: Any) -> Projection:
    """A Projection, whose attributes have no order in AWS."""
    return Projection(ProjectionType(described["ProjectionType"]), tuple(described.get("NonKeyAttributes", ())))


def throughput_of(described: Any) -> Throughput | None:
    """Provisioned capacity, or None where there is none: AWS writes 0 for a table on demand."""
    if not described or not described.get("WriteCapacityUnits"):
        return None
    return Throughput(read=described["ReadCapacityUnits"], write=described["WriteCapacityUnits"])


def most_on_demand(described: Any, what: str) -> int | None:
    """The on-demand maximum of Read or Write units a second, or None where there is none: AWS writes -1 for that."""
    most = (described or {}).get(f"Max{what}RequestUnits", -1)
    return None if most < 0 else int(most)
