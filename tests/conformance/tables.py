"""The table and the index that the scenarios are about: as others made them, and as a program declares them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_aws import dynamodb

from tests.conformance.lab import Lab

KEYS = [{"name": "PK", "type": "S"}, {"name": "SK", "type": "S"}]
NAME = "things"
INDEX = "ByStatus"


def table(opts: pulumi.ResourceOptions | None = None, **changes: Any) -> dynamodb.Table:
    """A provisioned table; a change of None leaves an argument out."""
    arguments: dict[str, Any] = {
        "name": NAME,
        "hash_key": "PK",
        "range_key": "SK",
        "attributes": KEYS,
        "billing_mode": "PROVISIONED",
        "read_capacity": 5,
        "write_capacity": 5,
        **changes,
    }
    return dynamodb.Table("table", **arguments, opts=opts)


def index(
    opts: pulumi.ResourceOptions | None = None, keys: tuple[str, ...] = ("status", "time"), **changes: Any
) -> dynamodb.GlobalSecondaryIndex:
    """An index of that table."""
    arguments: dict[str, Any] = {
        "index_name": INDEX,
        "table_name": NAME,
        "key_schemas": [
            {"attribute_name": name, "attribute_type": "S", "key_type": kind}
            for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        "projection": {"projection_type": "ALL"},
        "provisioned_throughput": {"read_capacity_units": 5, "write_capacity_units": 5},
        **changes,
    }
    return dynamodb.GlobalSecondaryIndex("index", **arguments, opts=opts)


def create_live(
    lab: Lab,
    *,
    with_index: bool = False,
    on_demand: bool = False,
    maximum: bool = False,
    local_indexes: bool = False,
    index_keys: Sequence[tuple[str, str]] = (("status", "HASH"), ("time", "RANGE")),
) -> None:
    """The table as an application's own tooling made it. Index keys other than the usual ones imply an index."""
    throughput: Any = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    most: Any = {"MaxReadRequestUnits": 70, "MaxWriteRequestUnits": 80}
    with_index = with_index or len(index_keys) > 2
    attributes = ["PK", "SK", *([name for name, _ in index_keys] if with_index else [])]
    attributes += ["day"] * (local_indexes and "day" not in attributes)
    request: dict[str, Any] = {
        "TableName": NAME,
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        "BillingMode": "PAY_PER_REQUEST" if on_demand else "PROVISIONED",
        "Tags": [{"Key": "Team", "Value": "Field"}],
    }
    if not on_demand:
        request["ProvisionedThroughput"] = throughput
    if maximum:
        request["OnDemandThroughput"] = most
    if with_index:
        index: dict[str, Any] = {
            "IndexName": INDEX,
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in index_keys],
            "Projection": {"ProjectionType": "ALL"},
        }
        if not on_demand:
            index["ProvisionedThroughput"] = throughput
        if maximum:
            index["OnDemandThroughput"] = most
        request["GlobalSecondaryIndexes"] = [index]
    if local_indexes:
        request["LocalSecondaryIndexes"] = [
            {
                "IndexName": "ByDay",
                "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "day", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["b", "a"]},
            }
        ]
    lab.client.create_table(**request)


NOT_OURS = ["billingMode", "readCapacity", "writeCapacity", "tags", "tagsAll", "tableClass", "serverSideEncryption"]
PROTECTION: dict[str, Any] = {
    "billing_mode": None,
    "read_capacity": None,
    "write_capacity": None,
    "stream_enabled": True,
    "stream_view_type": "NEW_AND_OLD_IMAGES",
    "point_in_time_recovery": {"enabled": True},
    "deletion_protection_enabled": True,
}
