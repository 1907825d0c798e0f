"""What a backfill wrote on which key, noted in the ledger before it is written, so that it can be taken back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence

from backfills.items.change import ItemChange
from backfills.progress.records import JournalRecord, Records
from stack.ledger.codec import attributes, decoded

CHANGES_A_RECORD = 1_000
"""Uncompressed at most 1,000 × (2 keys + the attributes): within an item's 400 KB compressed, whatever the keys."""
LARGEST_RECORD = 350_000


class Journal:
    """The journal of one table (its name in the schema), whose live id it notes with each record."""

    def __init__(self, records: Records, table: str, table_id: str) -> None:
        self._records = records
        self._partition = f"JOURNAL#{table}"
        self._table_id = table_id

    def note(self, changes: Sequence[ItemChange]) -> None:
        """Notes changes that are about to be made."""
        if not changes:
            return
        record = JournalRecord.of(self._table_id, changes)
        if len(record.changes) > LARGEST_RECORD or len(changes) > CHANGES_A_RECORD:
            half = len(changes) // 2
            self.note(changes[:half])
            self.note(changes[half:])
            return
        self._records.put(self._partition, f"{time.time_ns():020}#{secrets.token_hex(4)}", attributes(record))

    def is_empty(self) -> bool:
        """Whether nothing is noted."""
        return next(iter(self._records.records(self._partition)), None) is None

    def undoing(self) -> Iterator[tuple[str, list[ItemChange]]]:
        """The changes that take back what was noted, newest first, with the name of their record. Records about a
        table that was restored since come with no changes: that table never had them."""
        for facts in self._records.records(self._partition, newest_first=True):
            record = decoded(JournalRecord, facts)
            yield str(facts["SK"]), record.undoing if record.table_id == self._table_id else []

    def forget(self, name: str) -> None:
        """Removes one record, once it is taken back."""
        self._records.remove(self._partition, name)
