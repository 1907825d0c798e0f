"""What AWS keeps of a table and moto forgets: replicas in other regions, the most that is served on demand, the table
class, and another encryption.

A replica is a table of the same name in another region of moto, with a copy of the items as they are at that moment.
Later writes stay where they are made: nothing here replicates them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import GlobalSecondaryIndex, Table
from moto.dynamodb.responses import DynamoHandler, DynamoResult

_KEPT = {"OnDemandThroughput": "on_demand_throughput", "TableClass": "table_class"}
"""A table's and an index's settings, and the attributes of moto's objects in which they are kept."""
IMAGES = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
"""The stream that every table of a global table has (AWS)."""

_moto_create: Any = DynamoHandler.create_table
_moto_update: Any = DynamoHandler.update_table
_moto_describe: Any = Table.describe
_moto_describe_index: Any = GlobalSecondaryIndex.describe


def install() -> None:
    """Makes moto in this process keep and show them. A second call changes nothing."""
    handler: Any = DynamoHandler
    table: Any = Table
    index: Any = GlobalSecondaryIndex
    handler.create_table = create_table
    handler.update_table = update_table
    table.describe = describe
    index.describe = describe_index


def create_table(request: Any) -> Any:
    """CreateTable as moto does it, and then what moto left out."""
    body = request.body
    on_demand = body.get("BillingMode") == "PAY_PER_REQUEST"
    _refuse_maximum(on_demand, [body, *(body.get("GlobalSecondaryIndexes") or [])])
    _moto_create(request)
    table = request.dynamodb_backend.get_table(body["TableName"])
    _keep(table, body)
    for asked in body.get("GlobalSecondaryIndexes") or []:
        _keep(_index(table, asked["IndexName"]), asked)
    return DynamoResult(table.describe())


def update_table(request: Any) -> Any:
    """UpdateTable likewise. Replicas are made and removed at once, where AWS takes minutes."""
    body, backend = request.body, request.dynamodb_backend
    table = backend.get_table(body["TableName"])
    changes = [change for update in body.get("GlobalSecondaryIndexUpdates") or [] for change in update.values()]
    on_demand = (body.get("BillingMode") or table.billing_mode) == "PAY_PER_REQUEST"
    _refuse_maximum(on_demand, [body, *changes])
    for update in body.get("ReplicaUpdates") or []:
        _update_replica(backend, table, update)
    _moto_update(request)
    _keep(table, body)
    if body.get("SSESpecification"):
        table.sse_specification = {**(table.sse_specification or {}), **body["SSESpecification"]}
    for asked in changes:
        index = _index(table, asked["IndexName"])
        if index is not None:
            _keep(index, asked)
    return DynamoResult(table.describe())


def describe(table: Any, base_key: str = "TableDescription") -> Any:
    """What moto describes of a table, and what it left out."""
    answer = _moto_describe(table, base_key)
    shown = answer[base_key]
    if maximum := getattr(table, "on_demand_throughput", None):
        shown["OnDemandThroughput"] = maximum
    if table_class := getattr(table, "table_class", None):
        shown["TableClassSummary"] = {"TableClass": table_class}
    if regions := sorted(getattr(table, "replicas", ())):
        shown["GlobalTableVersion"] = "2019.11.21"
        shown["Replicas"] = [{"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in regions]
    return answer


def describe_index(index: Any) -> Any:
    """What moto describes of an index, and what it left out."""
    shown = _moto_describe_index(index)
    if maximum := getattr(index, "on_demand_throughput", None):
        shown["OnDemandThroughput"] = maximum
    return shown


def _keep(described: Any, asked: Mapping[str, Any]) -> None:
    for name, attribute in _KEPT.items():
        if asked.get(name):
            setattr(described, attribute, asked[name])


def _refuse_maximum(on_demand: bool, asked: Iterable[Mapping[str, Any]]) -> None:
    if not on_demand and any(part.get("OnDemandThroughput") for part in asked):
        raise MockValidationException(
            "One or more parameter values were invalid: "
            "OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST"
        )


def _index(table: Any, name: str) -> Any:
    return {index.name: index for index in table.global_indexes}.get(name)


def _update_replica(backend: Any, table: Any, update: Mapping[str, Any]) -> None:
    (action, asked), *more = update.items()
    assert not more, "AWS takes one action an update"
    region = asked["RegionName"]
    if region == backend.region_name:
        raise MockValidationException("Cannot add, delete, or update the local region through ReplicaUpdates.")
    replicas: frozenset[str] = getattr(table, "replicas", frozenset())
    if action == "Create":
        _make_replica(backend, table, region)
        _know_each_other(backend, table.name, {backend.region_name, *replicas, region})
    elif region not in replicas:
        raise MockValidationException(
            "Replica specified in the Replica Update or Replica Delete action of the request was not found."
        )
    elif action == "Delete":
        del dynamodb_backends[backend.account_id][region].tables[table.name]
        _know_each_other(backend, table.name, {backend.region_name, *replicas} - {region})


def _make_replica(backend: Any, table: Any, region: str) -> None:
    elsewhere: Any = dynamodb_backends[backend.account_id][region]
    if table.name in elsewhere.tables:
        raise MockValidationException(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            "already existed as tables."
        )
    if not table.latest_stream_label:
        table.set_stream_specification(dict(IMAGES))
    replica: Any = elsewhere.create_table(
        table.name,
        schema=table.schema,
        throughput=dict(table.throughput) if table.billing_mode != "PAY_PER_REQUEST" else None,
        attr=list(table.attr),
        global_indexes=[],
        indexes=[],
        streams=dict(IMAGES),
        billing_mode=table.billing_mode,
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    for name in ("indexes", "global_indexes", "items"):
        setattr(replica, name, copy.deepcopy(getattr(table, name)))


def _know_each_other(backend: Any, name: str, regions: set[str]) -> None:
    for region in regions:
        found: Any = dynamodb_backends[backend.account_id][region].tables[name]
        found.replicas = frozenset(regions - {region})
