"""What a backfill wrote on which key, noted in the ledger before it is written, so that it can be taken back.

Records:
    PK `JOURNAL#<table>`  SK `<nanoseconds since 1970>#<random>`   changes of one page, compressed
"""

from __future__ import annotations

import base64
import json
import secrets
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from backfills.change import Change, Value
from backfills.checkpoint import Records, plain
from stack.ledger.ledger import Facts

CHANGES_A_RECORD = 1_000
"""Uncompressed at most 1,000 × (2 keys + the attributes): within an item's 400 KB compressed, whatever the keys."""
LARGEST_RECORD = 350_000


class Journal:
    """The journal of one table (its name in the schema), whose live id it notes with each record."""

    def __init__(self, records: Records, table: str, table_id: str) -> None:
        self._records = records
        self._partition = f"JOURNAL#{table}"
        self._table_id = table_id

    def note(self, changes: Sequence[Change]) -> None:
        """Notes changes that are about to be made."""
        if not changes:
            return
        data = zlib.compress(json.dumps([_noted(change) for change in changes], default=_encoded).encode())
        if len(data) > LARGEST_RECORD or len(changes) > CHANGES_A_RECORD:
            half = len(changes) // 2
            self.note(changes[:half])
            self.note(changes[half:])
            return
        sort = f"{time.time_ns():020}#{secrets.token_hex(4)}"
        self._records.put(self._partition, sort, {"table_id": self._table_id, "changes": data})

    def is_empty(self) -> bool:
        """Whether nothing is noted."""
        return next(iter(self._records.records(self._partition)), None) is None

    def undoing(self) -> Iterator[tuple[str, list[Change]]]:
        """The changes that take back what was noted, newest first, with the name of their record. Records about a
        table that was restored since come with no changes: that table never had them."""
        for record in self._records.records(self._partition, newest_first=True):
            changes = _undoing(record) if record["table_id"] == self._table_id else []
            yield str(record["SK"]), changes

    def forget(self, name: str) -> None:
        """Removes one record, once it is taken back."""
        self._records.remove(self._partition, name)


def _noted(change: Change) -> list[Any]:
    was = {name: change.expected.get(name) for name in change.sets if change.expected.get(name) is not None}
    return [change.key, change.sets, was]


def _undoing(record: Facts) -> list[Change]:
    data = record["changes"]
    noted = json.loads(zlib.decompress(plain(data)))
    changes: list[Change] = []
    for key, sets, was in noted:
        changes.append(
            Change(
                key={name: _decoded(value) for name, value in key.items()},
                sets=was,
                removes=tuple(name for name in sets if name not in was),
                expected=sets,
            )
        )
    return changes


def narrowed(change: Change, found: dict[str, Value]) -> Change | None:
    """The part of an undoing change that still can be done: where the item is still as we wrote it. None: nothing."""
    still = {name: value for name, value in change.expected.items() if found.get(name) == value}
    if not still:
        return None
    return Change(
        key=change.key,
        sets={name: value for name, value in change.sets.items() if name in still},
        removes=tuple(name for name in change.removes if name in still),
        expected=still,
    )


def _encoded(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is in no key")


def _decoded(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: base64.b64decode(held) if kind == "B" else held for kind, held in value.items()}
