"""What AWS has now, read with describe calls only and put into the terms of the schema; and what capacity an index
there gets while it builds."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo.errors import error_code
from schema.model import Index, Schema
from schema.parts import EVERYTHING, Attribute, BillingMode, Projection, Throughput
from stack.aws import UNPARSED, translated_errors
from stack.file.config import StackConfig
from stack.world.described import every_key, index_of, most_on_demand, projection_of, throughput_of, types_of
from stack.world.inventory import Refusal, refusals
from stack.world.owners import owner_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ACTIVE = "ACTIVE"
DELETING = "DELETING"
STREAM_VIEW_TYPE = "NEW_AND_OLD_IMAGES"
"""What a stream must carry, unless the stack keeps it: audit and integrity checks need both images."""
BUILDING_WRITE_FACTOR = 1.5
"""Write capacity of an index while it builds, as a multiple of its table's: AWS's advice, for an index that is
throttled throttles the table's own writes."""


@dataclass(frozen=True)
class LiveIndex:
    """A live index: its definition, its state (CREATING, UPDATING, ACTIVE, DELETING), and AWS's figures of it.

    `item_count` and `size` (bytes) are AWS's own, up to six hours old. `most_writes` is its on-demand maximum in write
    units a second, or None.
    """

    index: Index
    status: str = ACTIVE
    backfilling: bool = False
    item_count: int = 0
    size: int = 0
    most_writes: int | None = None


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

    `recovery_days` is how far back point-in-time recovery goes, None while it is off or AWS does not say. `refusals`
    are what DescribeTable said that keeps keyshift from the table. `unknown` are facts that an emulator cannot tell.

    `item_count` and `size` (bytes) are AWS's own, up to six hours old. `most_writes` and `most_reads` are its on-demand
    maxima in units a second, or None.
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
    recovery_days: int | None = None
    deletion_protection: bool = False
    ttl: str | None = None
    owner: str | None = None
    item_count: int = 0
    size: int = 0
    most_writes: int | None = None
    most_reads: int | None = None
    refusals: tuple[Refusal, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether neither the table nor one of its indexes is being created, changed or deleted."""
        return self.status == ACTIVE and all(index.status == ACTIVE for index in self.indexes.values())


def wanted_stream(live: LiveTable, kept: Collection[str]) -> str:
    """The view type that the table's stream is to have. That of a table in `kept` stays what it is, if it has one."""
    return live.stream if live.stream is not None and live.name in kept else STREAM_VIEW_TYPE


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
    """One table by its name in the schema, or None if AWS lacks it. Raises ClientError."""
    physical = config.physical_name(name)
    try:
        answer: Mapping[str, Any] = client.describe_table(TableName=physical)
        live = _live_table(name, answer["Table"], answer.get(UNPARSED, answer)["Table"])
        for what, read in _READS.items():
            try:
                live = read(client, physical, live)
            except ClientError as error:
                if not _is_an_emulator_without(error, config):
                    raise
                live = replace(live, unknown=(*live.unknown, what))
    except ClientError as error:
        if error_code(error) in {"ResourceNotFoundException", "TableNotFoundException"}:
            return None
        raise
    return live


def _with_recovery(client: DynamoDBClient, physical: str, live: LiveTable) -> LiveTable:
    backups = client.describe_continuous_backups(TableName=physical)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    on = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
    days = recovery.get("RecoveryPeriodInDays") if on else None
    return replace(live, point_in_time_recovery=on, recovery_days=days)


def _with_expiry(client: DynamoDBClient, physical: str, live: LiveTable) -> LiveTable:
    expiry = client.describe_time_to_live(TableName=physical)["TimeToLiveDescription"]
    on = expiry.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    return replace(live, ttl=expiry.get("AttributeName") if on else None)


def _with_owner(client: DynamoDBClient, _physical: str, live: LiveTable) -> LiveTable:
    # Every page: a table has up to 50 tags, and a page may hold fewer.
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=live.arn)
    return replace(live, owner=owner_of({tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", [])}))


_READS: Mapping[str, Callable[[DynamoDBClient, str, LiveTable], LiveTable]] = {
    "point-in-time recovery": _with_recovery,
    "expiry": _with_expiry,
    "tags": _with_owner,
}
"""What is read besides DescribeTable. Each is needed: AWS denying one ends the task."""


def _is_an_emulator_without(error: ClientError, config: StackConfig) -> bool:
    return config.endpoint is not None and error_code(error) == "UnknownOperationException"


def _live_table(name: str, table: Any, unparsed: Mapping[str, object]) -> LiveTable:
    """The table out of its description. Of one that cannot be read, only what is named here, with the reason."""
    found = tuple(refusals(unparsed))
    bare = LiveTable(
        name=name,
        id=table.get("TableId", ""),
        arn=table["TableArn"],
        status=table["TableStatus"],
        replicas=tuple(sorted(replica["RegionName"] for replica in table.get("Replicas", []))),
        refusals=found,
    )
    try:
        return _in_full(bare, table)
    except (KeyError, ValueError) as error:
        unread = Refusal("TableDescription", f"it cannot be read: {type(error).__name__} {error}")
        return bare if found else replace(bare, refusals=(unread,))


def _in_full(bare: LiveTable, table: Any) -> LiveTable:
    types = types_of(table)
    on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == BillingMode.ON_DEMAND
    stream = table.get("StreamSpecification", {})
    return replace(
        bare,
        keys=every_key(table["KeySchema"], types),
        billing_mode=BillingMode.ON_DEMAND if on_demand else BillingMode.PROVISIONED,
        throughput=None if on_demand else throughput_of(table.get("ProvisionedThroughput")),
        indexes={
            index["IndexName"]: LiveIndex(
                index=index_of(index, types, on_demand=on_demand),
                status=index.get("IndexStatus", ACTIVE),
                backfilling=bool(index.get("Backfilling")),
                item_count=index.get("ItemCount", 0),
                size=index.get("IndexSizeBytes", 0),
                most_writes=most_on_demand(index.get("OnDemandThroughput"), "Write"),
            )
            for index in table.get("GlobalSecondaryIndexes", [])
        },
        local_indexes=tuple(
            LocalIndex(index["IndexName"], every_key(index["KeySchema"], types), projection_of(index["Projection"]))
            for index in sorted(table.get("LocalSecondaryIndexes", []), key=lambda index: str(index["IndexName"]))
        ),
        stream=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        stream_arn=table.get("LatestStreamArn") if stream.get("StreamEnabled") else None,
        deletion_protection=bool(table.get("DeletionProtectionEnabled")),
        item_count=table.get("ItemCount", 0),
        size=table.get("TableSizeBytes", 0),
        most_writes=most_on_demand(table.get("OnDemandThroughput"), "Write"),
        most_reads=most_on_demand(table.get("OnDemandThroughput"), "Read"),
    )


def building_throughput(live: LiveTable, steady: Throughput, write_units: int | None = None) -> Throughput:
    """What an index gets while it builds on `live`: so many write units as the stack file says, else its steady
    capacity, or more where the table writes more."""
    table_writes = live.throughput.write if live.throughput else 0
    wanted = write_units or max(steady.write, math.ceil(table_writes * BUILDING_WRITE_FACTOR))
    return Throughput(read=steady.read, write=wanted)
