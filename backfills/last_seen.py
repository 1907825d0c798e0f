"""When a person or vendor was last seen: the rule that personnel and vendors share."""

from schema.backfill import Given, Item, first_text

NEVER_SEEN = "2025-01-01"
"""What an item gets that has no dated record and no time of its own."""


def last_seen(item: Item, given: Given) -> str:
    """The date of the newest record of the partition, else the item's updatedAt, else createdAt, else NEVER_SEEN."""
    return given.newest or first_text(item, "updatedAt", "createdAt") or given.default(NEVER_SEEN)
