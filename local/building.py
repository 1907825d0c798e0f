"""Indexes that take their time to build, as AWS's do: moto's are ACTIVE at once.

A table is held by name. What is built on it from then on stays CREATING, until the table is released.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

ACTIVE, CREATING = "ACTIVE", "CREATING"
ONE_AT_A_TIME = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
"""AWS's own words, as DynamoDB Local has them too."""

_held: set[str] = set()


def hold(table: str) -> None:
    """From now on indexes of this table are not finished."""
    _held.add(table)


def release(table: str, region: str) -> None:
    """Finishes what is being built on the table, and holds it no longer."""
    _held.discard(table)
    for index in _indexes(table, region):
        index.status = ACTIVE


def refusal(region: str, request: Mapping[str, Any]) -> str | None:
    """Why an UpdateTable may not change an index now; None if it may."""
    creates_or_deletes = any("Create" in update or "Delete" in update for update in _updates(request))
    building = any(index.status == CREATING for index in _indexes(str(request.get("TableName")), region))
    return ONE_AT_A_TIME if creates_or_deletes and building else None


def begun(region: str, request: Mapping[str, Any]) -> None:
    """Notes that an UpdateTable was done: on a held table what it creates is still being built."""
    table = str(request.get("TableName"))
    created = {update["Create"]["IndexName"] for update in _updates(request) if "Create" in update}
    for index in _indexes(table, region):
        if table in _held and index.name in created:
            index.status = CREATING


def _updates(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    return request.get("GlobalSecondaryIndexUpdates") or []


def _indexes(table: str, region: str) -> list[Any]:
    found: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables.get(table)
    return list(found.global_indexes) if found else []
