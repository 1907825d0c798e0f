"""reports: every item gets a status, and a timestamp from its creation or from the run's clock."""

from schema.backfill import Backfill, Given, Item, constant, text


def _timestamp(item: Item, given: Given) -> str:
    return text(item, "createdAt") or given.default(given.clock)


REPORTS = Backfill(
    table="reports",
    rules={"status": constant("published"), "timestamp": _timestamp},
    reads=("createdAt",),
)
