"""The table on which backfills are measured: one new index, both of whose keys its items lack."""

from __future__ import annotations

from schema.backfill import Backfill, Given, Item, constant, text
from schema.model import Index, Table
from schema.parts import Attribute, Throughput

CAPACITY = Throughput(read=10, write=10)


def _timestamp(item: Item, given: Given) -> str:
    return text(item, "createdAt") or given.default(given.clock)


MEASURED = Table(
    name="measured",
    partition_key=Attribute("PK"),
    sort_key=Attribute("SK"),
    throughput=CAPACITY,
    indexes=(Index("ByStatus", Attribute("status"), Attribute("timestamp"), throughput=CAPACITY),),
    backfill=Backfill({"status": constant("published"), "timestamp": _timestamp}, reads=("createdAt",)),
    existing=True,
)
