"""What Pulumi's state of the stack holds, out of an exported deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TABLE_TYPE = "aws:dynamodb/table:Table"
INDEX_TYPE = "aws:dynamodb/globalSecondaryIndex:GlobalSecondaryIndex"


def index_resource(table: str, index: str) -> str:
    """The Pulumi resource name of an index: unique in the stack, and readable in a preview."""
    return f"{table}/{index}"


@dataclass(frozen=True)
class Managed:
    """Resource names in the state: `tables` as in the schema, `indexes` as `<table>/<index>`.

    `created` says that the stack exists at all; `pending` counts operations that a killed run left behind.
    """

    created: bool = False
    tables: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()
    pending: int = 0

    @staticmethod
    def of(deployment: Mapping[str, Any]) -> Managed:
        """Reads the `deployment` part of a `pulumi stack export`."""
        names: dict[str, set[str]] = {TABLE_TYPE: set(), INDEX_TYPE: set()}
        for resource in deployment.get("resources") or []:
            if resource["type"] in names and not resource.get("delete"):
                names[resource["type"]].add(resource["urn"].rsplit("::", 1)[1])
        return Managed(
            created=True,
            tables=frozenset(names[TABLE_TYPE]),
            indexes=frozenset(names[INDEX_TYPE]),
            pending=len(deployment.get("pending_operations") or []),
        )
