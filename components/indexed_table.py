"""A DynamoDB table with its indexes, each index a resource of its own, so that each is one diff and one import."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_aws import dynamodb

from components.guards import Guards
from components.properties import kept_of_index, kept_of_table
from schema.model import Index, Table
from schema.parts import BillingMode, ProjectionType
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.world.live import STREAM_VIEW_TYPE, LiveTable, LocalIndex, building_throughput, wanted_stream

TYPE = "keyshift:dynamodb:IndexedTable"
FORMER_TYPE = "sitelogix:dynamodb:IndexedTable"
"""The type in states of older versions. Tables and indexes carry it in their URNs: without this alias of their parent,
Pulumi would plan to delete each of them and to create it again."""


class IndexedTable(pulumi.ComponentResource):
    """One table and those of its indexes that the declaration names; `live` is None while AWS lacks the table.
    `stream_arn` is its stream's; `exported` is what the stack tells of it: name and ARN of the table, the stream's ARN,
    and the ARN of each index by its name."""

    stream_arn: pulumi.Input[str]
    exported: Mapping[str, pulumi.Input[str] | Mapping[str, pulumi.Output[str]]]

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
        indexes = {
            index.name: self._declare_index(index).arn
            for index in table.every_index
            if table.ref(index) in declaration.indexes
        }
        self.stream_arn = self._stream_arn()
        self.exported = {
            "name": self._table.name,
            "arn": self._table.arn,
            "streamArn": self.stream_arn,
            "indexes": indexes,
        }
        self.register_outputs({"streamArn": self.stream_arn})

    def _stream_arn(self) -> pulumi.Input[str]:
        """As it was just read, where this run does not change the stream: Pulumi's state may still name the one before,
        and an `up` must not give another ARN than its preview did."""
        live = self._live
        if live is not None and live.stream == self._stream_view_type() and live.stream_arn:
            return live.stream_arn
        stream_arn: pulumi.Output[str] = self._table.stream_arn
        return stream_arn

    def _declare_table(self) -> dynamodb.Table:
        table, declaration = self._declared, self._declaration
        created = None if table.existing else _creation_arguments(table, self._settings.tags)
        local_indexes = self._live.local_indexes if self._live else ()
        # The plugin wants every key of a local index among the attributes; those of other indexes it finds by itself.
        owned = [table.keys, *(index.keys for index in local_indexes)]
        keys = {key.name: key for each in owned for key in each}
        protected = table.name not in declaration.released
        return dynamodb.Table(
            table.name,
            name=self._physical_name,
            hash_key=table.partition_key.name,
            range_key=table.sort_key.name if table.sort_key else None,
            attributes=[{"name": key.name, "type": key.type.value} for key in keys.values()],
            local_secondary_indexes=[_local_index(index) for index in local_indexes] or None,
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
                ignore_changes=kept_of_table(adopted=table.existing, expires=table.ttl is not None),
                hooks=self._guards.table_hooks,
            ),
        )

    def _stream_view_type(self) -> str:
        return wanted_stream(self._live, self._settings.keep_stream) if self._live else STREAM_VIEW_TYPE

    def _declare_index(self, index: Index) -> dynamodb.GlobalSecondaryIndex:
        ref = self._declared.ref(index)
        imported = ref in self._declaration.imported_indexes
        timeout = f"{self._settings.index_timeout_minutes}m"
        keep_capacity = self._declared.existing and ref not in self._declaration.settle
        return dynamodb.GlobalSecondaryIndex(
            str(ref),
            index_name=index.name,
            table_name=self._table.name,
            key_schemas=[
                {"attribute_name": key.name, "attribute_type": key.type.value, "key_type": key_type}
                for key, key_type in zip(index.keys, ("HASH", "RANGE"), strict=False)
            ],
            projection=_projection(index),
            provisioned_throughput=self._throughput(index, settle=not keep_capacity),
            # Not Pulumi's `custom_timeouts`: the plugin ignores them for this type.
            timeouts={"create": timeout, "update": timeout, "delete": timeout},
            opts=pulumi.ResourceOptions(
                parent=self,
                # Said outright: an index that is no longer declared has to be deleted in AWS too.
                protect=False,
                retain_on_delete=False,
                import_=f"{self._physical_name},{index.name}" if imported else None,
                ignore_changes=kept_of_index(keep_capacity=keep_capacity),
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


def _local_index(index: LocalIndex) -> dict[str, object]:
    """A local index as it is live, to its last detail: anything else would plan another table."""
    declared: dict[str, object] = {
        "name": index.name,
        "range_key": index.keys[1].name,
        "projection_type": index.projection.type.value,
    }
    if index.projection.attributes:
        declared["non_key_attributes"] = list(index.projection.attributes)
    return declared


def _projection(index: Index) -> dict[str, object]:
    projection: dict[str, object] = {"projection_type": index.projection.type.value}
    if index.projection.type is ProjectionType.INCLUDE:
        projection["non_key_attributes"] = sorted(index.projection.attributes)  # a set in AWS
    return projection
