"""What AWS has now, read with describe calls only and put into the terms of the schema; and what capacity an index
there gets while it builds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo.errors import error_code
from schema.model import Index, Schema
from schema.parts import EVERYTHING, Attribute, AttributeType, BillingMode, Projection, ProjectionType, Throughput
from stack.aws import translated_errors
from stack.file.config import StackConfig

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ACTIVE = "ACTIVE"
DELETING = "DELETING"
STREAM_VIEW_TYPE = "NEW_AND_OLD_IMAGES"
"""What every stream must carry: audit and integrity checks need both images."""
BUILDING_WRITE_FACTOR = 1.5
"""Write capacity of an index while it builds, as a multiple of its table's: AWS's advice, for an index that is
throttled throttles the table's own writes."""


@dataclass(frozen=True)
class LiveIndex:
    """A live index: its definition, its state (CREATING, UPDATING, ACTIVE, DELETING), and AWS's figures of it.

    `item_count` and `size` (bytes) are AWS's own, up to six hours old.
    """

    index: Index
    status: str = ACTIVE
    backfilling: bool = False
    item_count: int = 0
    size: int = 0


@dataclass(frozen=True)
class LocalIndex:
    """A live local secondary index. Its partition key is the table's; it can be neither added nor removed later."""

    name: str
    keys: tuple[Attribute, ...]
    projection: Projection = EVERYTHING


@dataclass(frozen=True)
class LiveTable:
    """A live table. `name` is the schema's; `id` is AWS's own, and another one after a restore; `indexes` is by index
    name; `local_indexes` are in the order of their names; `replicas` are the other regions of a global table, in order;
    `stream` is the view type or None; `owner` is the other tool that manages the table, as its tags tell.

    `item_count` and `size` (bytes) are AWS's own, up to six hours old.
    """

    name: str
    id: str = ""
    arn: str = ""
    status: str = ACTIVE
    keys: tuple[Attribute, ...] = ()
    billing_mode: BillingMode = BillingMode.PROVISIONED
    throughput: Throughput | None = None
    indexes: Mapping[str, LiveIndex] = field(default_factory=dict)
    local_indexes: tuple[LocalIndex, ...] = ()
    replicas: tuple[str, ...] = ()
    stream: str | None = None
    stream_arn: str | None = None
    point_in_time_recovery: bool = False
    deletion_protection: bool = False
    ttl: str | None = None
    owner: str | None = None
    item_count: int = 0
    size: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether neither the table nor one of its indexes is being created, changed or deleted."""
        return self.status == ACTIVE and all(index.status == ACTIVE for index in self.indexes.values())


# CloudFormation tags what it makes; the others are tagged by convention, as ManagedBy, managed-by or managed_by.
_OTHER_TOOLS = {"cdk", "cloudformation", "opentofu", "sam", "serverless", "terraform"}


def will_be_live(live: LiveTable, index: str) -> bool:
    """Whether the index is there once what AWS is doing is done."""
    found = live.indexes.get(index)
    return found is not None and found.status != DELETING


Live = Mapping[str, LiveTable]
"""The live tables of the schema by their name in it; a table that AWS lacks is absent."""


def read_live(client: DynamoDBClient, config: StackConfig, schema: Schema) -> Live:
    """Reads every table of the schema: four calls a table, tables side by side. Raises ToolError."""
    with translated_errors(config), ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda table: read_table(client, config, table.name), schema)
        return {table.name: table for table in found if table is not None}


def read_table(client: DynamoDBClient, config: StackConfig, name: str) -> LiveTable | None:
    """One table by its name in the schema, or None if AWS lacks it."""
    physical = config.physical_name(name)
    try:
        table = client.describe_table(TableName=physical)["Table"]
        backups = client.describe_continuous_backups(TableName=physical)["ContinuousBackupsDescription"]
        expiry = client.describe_time_to_live(TableName=physical)["TimeToLiveDescription"]
        tags = client.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags", [])
    except ClientError as error:
        if error_code(error) in {"ResourceNotFoundException", "TableNotFoundException"}:
            return None
        raise
    owner = _owner({tag["Key"]: tag["Value"] for tag in tags})
    return replace(_table(name, table, backups, expiry), owner=owner)


def _table(name: str, table: Any, backups: Any, expiry: Any) -> LiveTable:
    types = {item["AttributeName"]: AttributeType(item["AttributeType"]) for item in table["AttributeDefinitions"]}
    on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == BillingMode.ON_DEMAND
    stream = table.get("StreamSpecification", {})
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    return LiveTable(
        name=name,
        id=table.get("TableId", ""),
        arn=table["TableArn"],
        status=table["TableStatus"],
        keys=_keys(table["KeySchema"], types),
        billing_mode=BillingMode.ON_DEMAND if on_demand else BillingMode.PROVISIONED,
        throughput=None if on_demand else _throughput(table.get("ProvisionedThroughput")),
        indexes={
            index["IndexName"]: _index(index, types, on_demand) for index in table.get("GlobalSecondaryIndexes", [])
        },
        local_indexes=_local_indexes(table.get("LocalSecondaryIndexes", []), types),
        replicas=tuple(sorted(replica["RegionName"] for replica in table.get("Replicas", []))),
        stream=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        stream_arn=table.get("LatestStreamArn") if stream.get("StreamEnabled") else None,
        point_in_time_recovery=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        deletion_protection=bool(table.get("DeletionProtectionEnabled")),
        ttl=expiry.get("AttributeName") if expiry.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"} else None,
        item_count=table.get("ItemCount", 0),
        size=table.get("TableSizeBytes", 0),
    )


def _owner(tags: Mapping[str, str]) -> str | None:
    """The tool that says, by its tags, that the table is its own."""
    stack = tags.get("aws:cloudformation:stack-name")
    if stack:
        return f"CloudFormation stack {stack}"
    for key, value in tags.items():
        if key.lower().replace("-", "").replace("_", "") == "managedby" and value.lower() in _OTHER_TOOLS:
            return value
    return None


def _index(index: Any, types: Mapping[str, AttributeType], on_demand: bool) -> LiveIndex:
    keys = _keys(index["KeySchema"], types)
    return LiveIndex(
        index=Index(
            name=index["IndexName"],
            partition_key=keys[0],
            sort_key=keys[1] if len(keys) > 1 else None,
            projection=_projection(index["Projection"]),
            throughput=None if on_demand else _throughput(index.get("ProvisionedThroughput")),
        ),
        status=index.get("IndexStatus", ACTIVE),
        backfilling=bool(index.get("Backfilling")),
        item_count=index.get("ItemCount", 0),
        size=index.get("IndexSizeBytes", 0),
    )


def _local_indexes(described: Any, types: Mapping[str, AttributeType]) -> tuple[LocalIndex, ...]:
    found = (
        LocalIndex(index["IndexName"], _keys(index["KeySchema"], types), _projection(index["Projection"]))
        for index in described
    )
    return tuple(sorted(found, key=lambda index: index.name))


def _projection(described: Any) -> Projection:
    return Projection(ProjectionType(described["ProjectionType"]), tuple(described.get("NonKeyAttributes", ())))


def _keys(key_schema: Any, types: Mapping[str, AttributeType]) -> tuple[Attribute, ...]:
    ordered = sorted(key_schema, key=lambda key: str(key["KeyType"]) != "HASH")
    return tuple(Attribute(key["AttributeName"], types[key["AttributeName"]]) for key in ordered)


def _throughput(described: Any) -> Throughput | None:
    if not described or not described.get("WriteCapacityUnits"):
        return None
    return Throughput(read=described["ReadCapacityUnits"], write=described["WriteCapacityUnits"])


def building_throughput(live: LiveTable, steady: Throughput, write_units: int | None = None) -> Throughput:
    """What an index gets while it builds on `live`: so many write units as the stack file says, else its steady
    capacity, or more where the table writes more."""
    table_writes = live.throughput.write if live.throughput else 0
    wanted = write_units or max(steady.write, math.ceil(table_writes * BUILDING_WRITE_FACTOR))
    return Throughput(read=steady.read, write=wanted)
