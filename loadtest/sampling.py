"""Real key values and items of a table, from some places of it: bounded reads, however large it is."""

from __future__ import annotations

import random
from collections.abc import Iterator

from dynamo.expressions import Expressions
from dynamo.keys import prefix_of
from dynamo.reader import Reader
from dynamo.units import segments_for
from schema.backfill import Item
from schema.model import AccessPattern, Index, Table

PAGES = 4
"""Places that are looked at: one page each, of PAGE_ITEMS items at most."""
PAGE_ITEMS = 100
MOST_PAGES = 12
"""Pages that are looked at where an access pattern reads only some of the items."""


def sampled(
    reader: Reader, table: Table, index: Index | None, pattern: AccessPattern | None, size: int, chance: random.Random
) -> list[Item]:
    """Items of the table or of the index, of those that the access pattern reads. Each page costs PAGE_ITEMS items at
    most. Raises ClientError, ToolError, and what the reader's safe point raises."""
    segments = segments_for(size)
    wanted = Expressions()
    keys = table.keys if index is None else index.keys
    if pattern is not None and pattern.sort_key_prefix is not None:
        wanted.filter = wanted.begins_with(keys[1].name, prefix_of(keys[1], pattern.sort_key_prefix))
    order = chance.sample(range(segments), segments)
    found: list[Item] = []
    for asked, item_page in enumerate(_pages(reader, wanted, index, order), 1):
        found += item_page
        if (asked >= PAGES and len(found) >= PAGE_ITEMS // 2) or asked >= MOST_PAGES:
            break
    return found


def _pages(reader: Reader, wanted: Expressions, index: Index | None, order: list[int]) -> Iterator[list[Item]]:
    """The first page of each segment, then what follows in them: a small table may have all items in one."""
    named = None if index is None else index.name
    following = []
    for segment in order:
        page = reader.page(wanted, segment, len(order), most=PAGE_ITEMS, index=named)
        yield page.items
        if page.next is not None:
            following.append((segment, page.next))
    while following:
        segment, start = following.pop(0)
        page = reader.page(wanted, segment, len(order), start, most=PAGE_ITEMS, index=named)
        yield page.items
        if page.next is not None:
            following.append((segment, page.next))
