"""vendors: every profile gets a vendor type and the date on which the vendor was last seen."""

from backfills.last_seen import last_seen
from schema.backfill import Backfill, Given, Item, text


def _vendor_type(item: Item, given: Given) -> str:
    return text(item, "vendorType") or given.default("supplier")


VENDORS = Backfill(
    table="vendors",
    rules={"vendor_type": _vendor_type, "dateLastSeen": last_seen},
    reads=("vendorType", "updatedAt", "createdAt"),
    sort_key="PROFILE",
    newest_of="DELIVERY#",
)
