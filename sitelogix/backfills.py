"""How the items of the SiteLogix tables get the attributes of their new indexes."""

from schema.backfill import Backfill, Given, Item, NoValue, constant, first_text, text

NEVER_SEEN = "2025-01-01"
"""The day on which a person or vendor was last seen who has no dated record and no time of its own."""
_PROJECT = "PROJECT#"


def _timestamp(item: Item, given: Given) -> str:
    return text(item, "createdAt") or given.default(given.clock)


def _last_seen(item: Item, given: Given) -> str:
    """The date of the newest record of the partition, else the item's updatedAt, else createdAt, else NEVER_SEEN."""
    return given.newest or first_text(item, "updatedAt", "createdAt") or given.default(NEVER_SEEN)


def _vendor_type(item: Item, given: Given) -> str:
    return text(item, "vendorType") or given.default("supplier")


def _project_id(item: Item, given: Given) -> str:
    named = text(item, "projectId")
    if named is not None:
        return named
    partition_key = text(item, "PK") or ""
    if not partition_key.startswith(_PROJECT) or partition_key == _PROJECT:
        raise NoValue("no projectId, and PK is not PROJECT#<id>")
    return partition_key.removeprefix(_PROJECT)


def _report_date(item: Item, given: Given) -> str:
    date = text(item, "reportDate")
    if date is None:
        raise NoValue("no reportDate")
    return date


# Every item gets a status, and a timestamp from its creation or from the run's clock.
REPORTS = Backfill(
    rules={"status": constant("published"), "timestamp": _timestamp},
    reads=("createdAt",),
)
# Every profile gets a status and the date on which the person was last seen.
PERSONNEL = Backfill(
    rules={"status": constant("active"), "dateLastSeen": _last_seen},
    reads=("updatedAt", "createdAt"),
    sort_key="PROFILE",
    newest_of="HISTORY#",
)
# Every profile gets a vendor type and the date on which the vendor was last seen.
VENDORS = Backfill(
    rules={"vendor_type": _vendor_type, "dateLastSeen": _last_seen},
    reads=("vendorType", "updatedAt", "createdAt"),
    sort_key="PROFILE",
    newest_of="DELIVERY#",
)
# Every item gets its project and report date from where the old code kept them. Nothing is guessed.
CONSTRAINTS = Backfill(
    rules={"project_id": _project_id, "report_date": _report_date},
    reads=("projectId", "reportDate"),
)
