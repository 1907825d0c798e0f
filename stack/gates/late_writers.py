"""Late writers: old code that still writes items without the attributes of a new index. Pure rules over the records of
the scans that look for them.

An index may be built while they write. Readers may use it once they have stopped. What a late writer leaves behind
stays until somebody fills it, so each scan of the table covers all the time since the scan before it, and the record
has no gap while scans follow each other. After a gap the window begins anew, and one scan looks at every filled value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schema.model import Index, Table
from stack.file.settings import LateWriterSettings
from stack.gates.claims import Claim
from stack.ledger.codec import written
from stack.ledger.proofs import Proofs
from stack.ledger.records import IndexProof, LateWritersProof, ReadReadyProof
from stack.world.live import ACTIVE, LiveTable

MISSED_LOOKS = 3
"""Intervals without a scan after which the record has a gap."""
SCAN_AGAIN = "./invoke late-writers"


@dataclass(frozen=True)
class Look:
    """One scan of a whole table: when it `began` and `ended`, the items that it `scanned`, how many were `late` (all of
    them filled but those without a source), the values that are no longer what their sources give (`stale`; None: not
    counted), and the read units that it took."""

    began: datetime
    ended: datetime
    scanned: int
    late: int
    stale: int | None = None
    units: float = 0.0


def recorded(table: str, before: LateWritersProof | None, look: Look, settings: LateWriterSettings) -> LateWritersProof:
    """The record with one more scan. `clean_since` is the end of the last scan that found something, or the beginning
    of the first one."""
    if before is None or is_gap(before, look.began, settings):
        gaps = before.gaps + 1 if before is not None else 0
        before = LateWritersProof(
            subject=table, since=look.began, clean_since=look.began, looked=look.began, ended=look.ended, gaps=gaps
        )
    grown = max(0, look.stale - before.stale) if look.stale is not None and before.stale is not None else 0
    late = look.late + grown
    return replace(
        before,
        looked=look.began,
        ended=look.ended,
        looks=before.looks + 1,
        late=before.late + late,
        last_late=late,
        clean_since=look.ended if late else before.clean_since,
        stale=before.stale if look.stale is None else look.stale,
    )


def is_gap(record: LateWritersProof, at: datetime, settings: LateWriterSettings) -> bool:
    """Whether nobody has looked for so long before `at` that the record has a gap."""
    return at - record.ended > timedelta(minutes=MISSED_LOOKS * settings.every_minutes)


def wants_every_value(record: LateWritersProof | None, at: datetime, settings: LateWriterSettings) -> bool:
    """Whether the next scan looks at every filled value too: the first one, one after a gap, and the one that may end
    the window. Without a window none does, because it costs a query an item."""
    if settings.minutes == 0:
        return False
    return record is None or is_gap(record, at, settings) or at >= earliest(record, settings)


def next_look(record: LateWritersProof, settings: LateWriterSettings) -> datetime:
    """When the next scan is due."""
    return min(record.looked + timedelta(minutes=settings.every_minutes), earliest(record, settings))


def earliest(record: LateWritersProof, settings: LateWriterSettings) -> datetime:
    """When the window without a late writer is over, if none comes."""
    return record.clean_since + timedelta(minutes=settings.minutes)


def may_be_the_last(record: LateWritersProof | None, at: datetime, settings: LateWriterSettings) -> bool:
    """Whether a scan at that time may be the last one that is needed."""
    return settings.minutes == 0 or (record is not None and at >= earliest(record, settings))


def unready(record: LateWritersProof, settings: LateWriterSettings, write_units: float) -> str:
    """What still stands against reading from the index; empty: nothing. `write_units` are those that the application
    has used since the record is clean."""
    if record.last_late:
        return f"{record.last_late} items of a late writer at {written(record.looked)}, {record.late} in all"
    clean = f"no late writer since {written(record.clean_since)}"
    if record.looked < earliest(record, settings):
        return f"{clean}; read-ready at {written(earliest(record, settings))}"
    if write_units < settings.least_writes:
        return (
            f"{clean}, but the application used {write_units:,.0f} of the "
            f"{settings.least_writes:,.0f} write units that would show that it writes"
        )
    return ""


def meets_late_writers(table: Table, index: Index) -> bool:
    """Whether the index was added to a live table whose items need attributes for it."""
    return table.existing and not index.existing and table.needs_backfill(index)


def is_begun(table: Table, index: Index, proofs: Proofs) -> bool:
    """Whether a run has begun to build the index."""
    proof = proofs.get(IndexProof, table.ref(index))
    return proof is not None and proof.started is not None


def is_verified(table: Table, index: Index, proofs: Proofs) -> bool:
    """Whether an item was found through the index."""
    proof = proofs.get(IndexProof, table.ref(index))
    return proof is not None and proof.verified is not None


def read_ready(table: Table, index: Index, live: LiveTable | None, proofs: Proofs) -> Claim:
    """Whether readers may use the index: it is ACTIVE, verified, and, where old code could leave items out of it, no
    late writer was seen for the stack's window."""
    ref = table.ref(index)

    def claim(holds: bool, evidence: str, next: str = "./invoke migrate") -> Claim:
        return Claim("read-ready", holds, f"{ref} {evidence}", "" if holds else next)

    found = live.indexes.get(index.name) if live else None
    if found is None or found.status != ACTIVE:
        return claim(False, f"is {'missing' if found is None else found.status}")
    if index.existing:
        return claim(True, "was there before")
    proof = proofs.get(IndexProof, ref)
    if proof is None or proof.verified is None:
        return claim(False, "is ACTIVE and not yet verified")
    if not meets_late_writers(table, index):
        return claim(True, f"was verified at {written(proof.verified)}")
    ready = proofs.get(ReadReadyProof, ref)
    if ready is not None:
        seen = f"no late writer since {written(ready.clean_since)}, {ready.looks} look{'s' * (ready.looks != 1)}"
        since = written(ready.at) if ready.at else "an unknown time"
        return claim(True, f"is read-ready since {since}: {seen}")
    return claim(False, f"is built; {against_reading(table.name, proofs)}", SCAN_AGAIN)


def against_reading(table: str, proofs: Proofs) -> str:
    """What the last scan for late writers has left against reading from the table's new indexes."""
    record = proofs.get(LateWritersProof, table)
    if record is None:
        return "nobody has looked for late writers yet"
    return record.unready or "it was verified after the last scan for late writers"
