"""What Pulumi's state of the stack holds, out of an exported deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schema.references import IndexRef

TABLE_TYPE = "aws:dynamodb/table:Table"
INDEX_TYPE = "aws:dynamodb/globalSecondaryIndex:GlobalSecondaryIndex"
ALARM_TYPE = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD_TYPE = "aws:cloudwatch/dashboard:Dashboard"
TOPIC_TYPE = "aws:sns/topic:Topic"
SUBSCRIPTION_TYPE = "aws:sns/topicSubscription:TopicSubscription"
MONITOR_TYPES = frozenset({ALARM_TYPE, DASHBOARD_TYPE, TOPIC_TYPE, SUBSCRIPTION_TYPE})
"""Monitors hold no data, so they may be made, replaced and removed freely."""


def resource_name(urn: str) -> str:
    """The name that the program gave a resource: all that follows the third `::`, for a name may hold one itself."""
    return urn.split("::", 3)[3]


@dataclass(frozen=True)
class Managed:
    """What the state holds: `tables` by their names in the schema, `indexes`, and `monitors` by the names of their
    resources, as in stack/monitoring/alarms.py. An index's resource is named as its IndexRef reads.

    `created` says that the stack exists at all; `pending` counts operations that a killed run left behind.
    """

    created: bool = False
    tables: frozenset[str] = frozenset()
    indexes: frozenset[IndexRef] = frozenset()
    monitors: frozenset[str] = frozenset()
    pending: int = 0

    @staticmethod
    def of(deployment: Mapping[str, Any]) -> Managed:
        """Reads the `deployment` part of a `pulumi stack export`."""
        names: dict[str, set[str]] = {type: set() for type in (TABLE_TYPE, INDEX_TYPE, *MONITOR_TYPES)}
        for resource in deployment.get("resources") or []:
            if resource["type"] in names and not resource.get("delete"):
                names[resource["type"]].add(resource_name(resource["urn"]))
        return Managed(
            created=True,
            tables=frozenset(names[TABLE_TYPE]),
            # Another one is not of the schema. An `up` would delete it, and is refused for that.
            indexes=frozenset(IndexRef.parse(name) for name in names[INDEX_TYPE] if IndexRef.is_one(name)),
            monitors=frozenset().union(*(names[type] for type in MONITOR_TYPES)),
            pending=len(deployment.get("pending_operations") or []),
        )
