"""A DynamoDB table with its indexes, each index a resource of its own, so that each is one diff and one import."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_aws import dynamodb

from components.guards import Guards
from schema.model import Index, Table
from schema.parts import BillingMode, ProjectionType
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.world.live import STREAM_VIEW_TYPE, LiveTable, building_throughput, wanted_stream

TYPE = "keyshift:dynamodb:IndexedTable"
FORMER_TYPE = "sitelogix:dynamodb:IndexedTable"
"""The type in states of older versions. Tables and indexes carry it in their URNs: without this alias of their parent,
Pulumi would plan to delete each of them and to create it again."""
# What an adopted table keeps as it is live: others set it, scale it and select by it. Not the inline indexes: ignoring
# them would keep a copy of them in the table's inputs, and each index would be declared twice.
_NOT_OURS = [
    "billingMode",
    "onDemandThroughput",
    "readCapacity",
    "serverSideEncryption",
    "tableClass",
    "tags",
    "tagsAll",  # with `tags` alone, an `up` after a refresh would still take away tags that others have added
    "writeCapacity",
]
_CAPACITY = ["onDemandThroughput", "provisionedThroughput"]


class IndexedTable(pulumi.ComponentResource):
    """One table and those of its indexes that the declaration names; `live` is None while AWS lacks the table, and
    `stream_arn` is its stream's."""

    stream_arn: pulumi.Output[str]

    def __init__(
        self, table: Table, config: StackConfig, declaration: Declaration, live: LiveTable | None, guards: Guards
    ) -> None:
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=FORMER_TYPE)])
        super().__init__(TYPE, table.name, None, aliases)
        self._declared = table
        self._physical_name = config.physical_name(table.name)
        self._settings = config.settings
        self._declaration = declaration
        self._live = live
        self._guards = guards
        self._table = self._declare_table()
        for index in table.every_index:
            if table.ref(index) in declaration.indexes:
                self._declare_index(index)
        self.stream_arn = self._table.stream_arn
        self.register_outputs({"streamArn": self.stream_arn})

    def _declare_table(self) -> dynamodb.Table:
        table, declaration = self._declared, self._declaration
        created = None if table.existing else _creation_arguments(table, self._settings.tags)
        protected = table.name not in declaration.released
        return dynamodb.Table(
            table.name,
            name=self._physical_name,
            hash_key=table.partition_key.name,
            range_key=table.sort_key.name if table.sort_key else None,
            attributes=[{"name": key.name, "type": key.type.value} for key in table.keys],
            stream_enabled=True,
            stream_view_type=self._stream_view_type(),
            point_in_time_recovery={"enabled": True},
            deletion_protection_enabled=protected,
            ttl={"enabled": True, "attribute_name": table.ttl} if table.ttl else None,
            **(created or {}),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protected,
                retain_on_delete=table.existing,
                import_=self._physical_name if table.name in declaration.imported_tables else None,
                ignore_changes=_NOT_OURS if table.existing else None,
                hooks=self._guards.table_hooks,
            ),
        )

    def _stream_view_type(self) -> str:
        return wanted_stream(self._live, self._settings.keep_stream) if self._live else STREAM_VIEW_TYPE

    def _declare_index(self, index: Index) -> None:
        ref = self._declared.ref(index)
        imported = ref in self._declaration.imported_indexes
        timeout = f"{self._settings.index_timeout_minutes}m"
        keep_capacity = self._declared.existing and ref not in self._declaration.settle
        dynamodb.GlobalSecondaryIndex(
            str(ref),
            index_name=index.name,
            table_name=self._table.name,
            key_schemas=[
                {"attribute_name": key.name, "attribute_type": key.type.value, "key_type": key_type}
                for key, key_type in zip(index.keys, ("HASH", "RANGE"), strict=False)
            ],
            projection=_projection(index),
            provisioned_throughput=self._throughput(index, settle=not keep_capacity),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Said outright: an index that is no longer declared has to be deleted in AWS too.
                protect=False,
                retain_on_delete=False,
                import_=f"{self._physical_name},{index.name}" if imported else None,
                ignore_changes=_CAPACITY if keep_capacity else None,
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
                hooks=self._guards.index_hooks,
            ),
        )

    def _throughput(self, index: Index, *, settle: bool) -> dict[str, int] | None:
        """The index's capacity: steady, or while it builds on an adopted table at least what the table's writes
        need; None on an on-demand table, which refuses one."""
        live = self._live
        billing_mode = live.billing_mode if live else self._declared.billing_mode
        if billing_mode is BillingMode.ON_DEMAND or index.throughput is None:
            return None
        building = self._settings.building_write_units.get(self._declared.ref(index))
        wanted = index.throughput if settle or live is None else building_throughput(live, index.throughput, building)
        return {"read_capacity_units": wanted.read, "write_capacity_units": wanted.write}


def _creation_arguments(table: Table, tags: Mapping[str, str]) -> dict[str, object]:
    """What only a table of our own making is declared with."""
    return {
        "billing_mode": table.billing_mode.value,
        "read_capacity": table.throughput.read if table.throughput else None,
        "write_capacity": table.throughput.write if table.throughput else None,
        "server_side_encryption": {"enabled": True},
        "tags": dict(tags),
    }


def _projection(index: Index) -> dict[str, object]:
    projection: dict[str, object] = {"projection_type": index.projection.type.value}
    if index.projection.type is ProjectionType.INCLUDE:
        projection["non_key_attributes"] = sorted(index.projection.attributes)  # a set in AWS
    return projection
