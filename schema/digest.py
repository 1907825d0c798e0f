"""The digest of a schema's tables. Ledgers hold it, so it may change with the tables only, never with this code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schema.model import Table


def digest(tables: Iterable[Table]) -> str:
    """Sixteen hexadecimal digits that change with any change of the tables, but not with how a value is computed."""
    text = json.dumps([_facts(table) for table in tables], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _facts(table: Table) -> dict[str, object]:
    """The table's fields; of its backfill only the attributes that it fills, under the name that ledgers know."""
    facts = asdict(replace(table, backfill=None))
    del facts["backfill"]
    for index in (*facts["indexes"], *(retired["index"] for retired in facts["retired"])):
        # Always empty in a schema, and not in the digests of older versions.
        del index["more_partition_keys"], index["more_sort_keys"]
    return {**facts, "backfilled": table.backfilled}
