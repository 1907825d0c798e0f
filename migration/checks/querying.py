"""Whether an index returns an item that it should, found in its table."""

from __future__ import annotations

import time
from collections.abc import Callable

from dynamo.expressions import Expressions
from dynamo.keys import index_keys, key_of, prefix_of
from dynamo.reader import Reader
from schema.backfill import Item
from schema.errors import VerificationFailed
from schema.model import Index, Table
from stack.ledger.ledger import Facts

NOTHING_TO_QUERY = "no item has its keys yet"
MOST_TRIES = 3
"""Items that are tried before an index counts as wrong: the application may change one while we look."""
INDEX_LAG_SECONDS = 10
"""How long an index may lag behind its table before a missing item counts: it is eventually consistent."""


def query_index(
    reader: Reader, table: Table, index: Index, on_read: Callable[[float], None] = lambda units: None
) -> Facts:
    """Finds an item of the table that belongs in the index, and finds it through the index.

    Returns the item's keys, or says that no item belongs there. `on_read` is told the read units that each query of
    the index took. Raises VerificationFailed.
    """
    shown = ""
    for _ in range(MOST_TRIES):
        item = any_item(reader, table, index)
        if item is None:
            return {"queried": NOTHING_TO_QUERY}
        shown = " / ".join(str(next(iter(item[key].values()))) for key in table.key_names)
        if _comes_up(reader, table, index, item, on_read):
            return {"queried": shown}
        now = reader.item(key_of(item, table.key_names)) or {}
        if all(now.get(key.name) == item[key.name] for key in index.keys):
            break
    raise VerificationFailed(
        f"Index {index.name} of {reader.table} does not return an item that it should.",
        f"{shown}, for {INDEX_LAG_SECONDS} seconds.",
        "Compare the item's index keys with the index.",
    )


def any_item(reader: Reader, table: Table, index: Index | None = None, prefix: str | None = None) -> Item | None:
    """The keys of some item that has the keys of the index, and a sort key that begins so; None if there is none."""
    keys, needed = (index or table).keys, index_keys([index] if index else [])
    wanted = Expressions((*table.key_names, *needed))
    conditions = [wanted.fits(key) for key in needed.values()]
    if prefix:
        conditions.append(wanted.begins_with(keys[1].name, prefix_of(keys[1], prefix)))
    wanted.filter = " AND ".join(conditions)
    return next((item for page in reader.scan(wanted, consistent=True) for item in page.items), None)


def _comes_up(reader: Reader, table: Table, index: Index, item: Item, on_read: Callable[[float], None]) -> bool:
    deadline = time.monotonic() + INDEX_LAG_SECONDS
    while not _is_found(reader, table, index, item, on_read):
        if time.monotonic() > deadline:
            return False
        reader.wait(0.2)
    return True


def _is_found(reader: Reader, table: Table, index: Index, item: Item, on_read: Callable[[float], None]) -> bool:
    wanted = Expressions(table.key_names)
    wanted.key_condition = " AND ".join(wanted.equals(key.name, item[key.name]) for key in index.keys)
    for page in reader.query(wanted, index=index.name):
        on_read(page.units or 0.0)
        if any(all(found[key] == item[key] for key in table.key_names) for found in page.items):
            return True
    return False
