"""What requests cost: the sizes of capacity units and pages, and the units that an answer names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVENTUAL_READ_UNIT = 8192
"""Bytes that one read unit covers in an eventually consistent read."""
CONSISTENT_READ_UNIT = 4096
"""Bytes that one read unit covers in a consistent read."""
WRITE_UNIT = 1024
"""Bytes that one write unit covers."""
PAGE_BYTES = 1024 * 1024
"""What DynamoDB reads at most for one page."""
UNLIMITED = 1e9
"""A rate of units a second that no table reaches."""


def segments_for(size: int) -> int:
    """How many segments a table of that many bytes is scanned in: enough for the workers, and for a large table few
    enough that a segment (about 1 GB) is worth a checkpoint of its own."""
    pages, gigabytes = size // PAGE_BYTES, size // 1024**3
    return max(4, min(16, pages), min(1000, gigabytes))


def mean_item_size(size: int, item_count: int) -> float:
    """Mean bytes of an item, by AWS's figures of its table; one write unit where AWS has none yet."""
    return size / item_count if size and item_count else float(WRITE_UNIT)


def consumed(answer: Mapping[str, Any]) -> float | None:
    """The capacity units that a request took, or None where the server does not say. A batch names each table apart."""
    found = answer.get("ConsumedCapacity") or []
    units = [one["CapacityUnits"] for one in (found if isinstance(found, list) else [found])]
    return sum(units) if units else None
