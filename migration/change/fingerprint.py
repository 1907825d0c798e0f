"""A digest of what is live: it says whether a document still speaks of the tables as they are. Pure.

What changes by itself is left out, else no two readings would be alike: counts and sizes, capacity that may scale, and
a state that AWS passes through. That something is being created or deleted stays in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from schema.parts import Attribute, Projection
from stack.world.live import CREATING, DELETING, Live, LiveIndex, LiveTable

LEFT_OUT = frozenset({"item_count", "most_reads", "most_writes", "size", "throughput", "unknown"})
"""Fields of a live table that the digest is not made of."""


def fingerprint(live: Live) -> str:
    """`sha256:` and 64 hexadecimal digits, the same for the same tables in whatever order they were read."""
    text = json.dumps({name: _table(table) for name, table in live.items()}, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _table(table: LiveTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "id": table.id,
        "arn": table.arn,
        "status": _state(table.status),
        "keys": _keys(table.keys),
        "billing_mode": table.billing_mode.value,
        "indexes": {name: _index(index) for name, index in table.indexes.items()},
        "local_indexes": {one.name: [_keys(one.keys), _projection(one.projection)] for one in table.local_indexes},
        "replicas": sorted(table.replicas),
        "stream": table.stream,
        "stream_arn": table.stream_arn,
        "point_in_time_recovery": table.point_in_time_recovery,
        "recovery_days": table.recovery_days,
        "deletion_protection": table.deletion_protection,
        "ttl": table.ttl,
        "owner": table.owner,
        "refusals": sorted(str(refusal) for refusal in table.refusals),
    }


def _index(found: LiveIndex) -> dict[str, Any]:
    index = found.index
    return {
        "status": _state(found.status),
        "partition_keys": _keys(index.partition_keys),
        "sort_keys": _keys(index.sort_keys),
        "projection": _projection(index.projection),
    }


def _state(status: str) -> str:
    return status if status in {CREATING, DELETING} else "there"


def _keys(keys: Iterable[Attribute]) -> list[list[str]]:
    return [[key.name, key.type.value] for key in keys]


def _projection(projection: Projection) -> list[Any]:
    return [projection.type.value, sorted(projection.attributes)]
