"""What the definition of a restored table lacks beside the live one's: a backup holds items, keys and indexes, and no
more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema.model import Index
from schema.parts import Throughput
from stack.world.live import LiveTable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NONE = "none"


@dataclass(frozen=True)
class DefinitionDifference:
    """One thing (`what`) that is one way in the live table and another in the restored one."""

    what: str
    live: str
    restored: str


def differences(client: DynamoDBClient, live: LiveTable, restored: LiveTable) -> Iterator[DefinitionDifference]:
    """What differs between the two definitions. Scaling and alarms are kept outside DynamoDB, and not looked at."""
    pairs = {
        "capacity": (_capacity(live.throughput), _capacity(restored.throughput)),
        "stream": (live.stream or "off", restored.stream or "off"),
        "point-in-time recovery": (_on(live.point_in_time_recovery), _on(restored.point_in_time_recovery)),
        "deletion protection": (_on(live.deletion_protection), _on(restored.deletion_protection)),
        "expiry": (live.ttl or "off", restored.ttl or "off"),
        "tags": (_tags(client, live), _tags(client, restored)),
    }
    for name in sorted({*live.indexes, *restored.indexes}):
        ours, theirs = live.indexes.get(name), restored.indexes.get(name)
        pairs[f"index {name}"] = (_index(ours.index if ours else None), _index(theirs.index if theirs else None))
    for what, (one, other) in pairs.items():
        if one != other:
            yield DefinitionDifference(what, one, other)


def _on(value: bool) -> str:
    return "on" if value else "off"


def _capacity(throughput: Throughput | None) -> str:
    return f"{throughput.read}/{throughput.write}" if throughput else "on demand"


def _index(index: Index | None) -> str:
    if index is None:
        return NONE
    keys = ", ".join(key.name for key in index.keys)
    return f"on {keys}, {index.projection.type}, {_capacity(index.throughput)}"


def _tags(client: DynamoDBClient, table: LiveTable) -> str:
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=table.arn)
    return ", ".join(sorted(f"{tag['Key']}={tag['Value']}" for page in pages for tag in page["Tags"])) or NONE
