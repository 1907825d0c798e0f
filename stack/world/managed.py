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


_OUR_PARENT = ":dynamodb:IndexedTable"
"""How the type of the component above each of our tables and indexes ends, in today's states and in older ones."""


def resource_name(urn: str) -> str:
    """The name that the program gave a resource: all that follows the third `::`, for a name may hold one itself."""
    return urn.split("::", 3)[3]


@dataclass(frozen=True)
class Managed:
    """What the state holds: `tables` by their names in the schema, `indexes`, and `monitors` by the names of their
    resources, as in stack/monitoring/alarms.py. An index's resource is named as its IndexRef reads.

    `strangers` are the URNs of tables and indexes that stand elsewhere than our program declares them: moved into the
    stack from another one. They are none of `tables` and `indexes`.

    `created` says that the stack exists at all; `pending` counts operations that a killed run left behind.
    """

    created: bool = False
    tables: frozenset[str] = frozenset()
    indexes: frozenset[IndexRef] = frozenset()
    monitors: frozenset[str] = frozenset()
    pending: int = 0
    strangers: tuple[str, ...] = ()

    @staticmethod
    def of(deployment: Mapping[str, Any]) -> Managed:
        """Reads the `deployment` part of a `pulumi stack export`."""
        names: dict[str, set[str]] = {type: set() for type in (TABLE_TYPE, INDEX_TYPE, *MONITOR_TYPES)}
        strangers: list[str] = []
        for resource in deployment.get("resources") or []:
            type, urn = resource["type"], resource["urn"]
            if type not in names or resource.get("delete"):
                continue
            if type in {TABLE_TYPE, INDEX_TYPE} and not _is_below_our_component(urn):
                strangers.append(urn)
            else:
                names[type].add(resource_name(urn))
        return Managed(
            created=True,
            tables=frozenset(names[TABLE_TYPE]),
            # Another one is not of the schema. An `up` would delete it, and is refused for that.
            indexes=frozenset(IndexRef.parse(name) for name in names[INDEX_TYPE] if IndexRef.is_one(name)),
            monitors=frozenset().union(*(names[type] for type in MONITOR_TYPES)),
            pending=len(deployment.get("pending_operations") or []),
            strangers=tuple(sorted(strangers)),
        )


def _is_below_our_component(urn: str) -> bool:
    """The third part of a URN is the chain of types from the top: `<parent's type>$<own type>`."""
    above, _, _ = urn.split("::", 3)[2].rpartition("$")
    return above.rpartition("$")[2].endswith(_OUR_PARENT)
