"""Late writers: old code that still writes items without the attributes of a new index. Pure rules over what the watch
has recorded.

An index may be built while they write; readers may use it once they have stopped. What a late writer leaves behind
stays until somebody mends it, so each look at the table covers all the time since the look before it, and the record
has no gap while looks follow each other. A gap costs the window, and one look at every filled value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from schema.model import Index, Table
from stack.file.settings import LateWriterSettings
from stack.ledger.ledger import Facts, Proofs, written
from stack.world.live import ACTIVE, LiveTable
from stack.world.managed import index_resource

MISSED_LOOKS = 3
"""Intervals without a look after which the record has a gap."""


@dataclass(frozen=True)
class Look:
    """One look at a whole table: when it `began` and `ended`, the items that it `scanned`, how many were `late` (all of
    them mended but those without a source), the values that are no longer what their sources give (`stale`; None: not
    looked for), and the read units that it took."""

    began: datetime
    ended: datetime
    scanned: int
    late: int
    stale: int | None = None
    units: float = 0.0


def recorded(before: Facts | None, look: Look, settings: LateWriterSettings) -> Facts:
    """The record of the watch with one more look. `clean_since` is the end of the last look that found something, or
    the beginning of the first one."""
    if before is None or is_gap(before, look.began, settings):
        gaps = int(before["gaps"]) + 1 if before is not None else 0
        before = {"since": written(look.began), "looks": 0, "late": 0, "gaps": gaps, "clean_since": written(look.began)}
    grown = max(0, look.stale - int(before["stale"])) if look.stale is not None and "stale" in before else 0
    late = look.late + grown
    found = {**before, "looked": written(look.began), "ended": written(look.ended), "looks": int(before["looks"]) + 1}
    if look.stale is not None:
        found["stale"] = look.stale
    if late:
        found |= {"late": int(before["late"]) + late, "clean_since": written(look.ended)}
    return {**found, "last_late": late}


def is_gap(record: Facts, at: datetime, settings: LateWriterSettings) -> bool:
    """Whether nobody has looked for so long before `at` that the record has a gap."""
    return at - _time(record, "ended") > timedelta(minutes=MISSED_LOOKS * settings.every_minutes)


def wants_every_value(record: Facts | None, at: datetime, settings: LateWriterSettings) -> bool:
    """Whether the next look goes over every filled value too: the first one, one after a gap, and the one that may end
    the window. Where there is no window to fill, none does: it is dear, a query an item."""
    if settings.minutes == 0:
        return False
    return record is None or is_gap(record, at, settings) or at >= earliest(record, settings)


def next_look(record: Facts, settings: LateWriterSettings) -> datetime:
    """When the next look is due."""
    return min(_time(record, "looked") + timedelta(minutes=settings.every_minutes), earliest(record, settings))


def earliest(record: Facts, settings: LateWriterSettings) -> datetime:
    """When the window without a late writer is over, if none comes."""
    return _time(record, "clean_since") + timedelta(minutes=settings.minutes)


def watched_to_the_end(record: Facts | None, at: datetime, settings: LateWriterSettings) -> bool:
    """Whether a look at that time may be the last one that is wanted."""
    return settings.minutes == 0 or (record is not None and at >= earliest(record, settings))


def clean_since(record: Facts) -> datetime:
    """Since when no late writer was seen."""
    return _time(record, "clean_since")


def unready(record: Facts, settings: LateWriterSettings, write_units: float) -> str | None:
    """What still stands against reading from the index, or None; `write_units` are those that the application has used
    since the record is clean."""
    if int(record["last_late"]):
        return f"{record['last_late']} items of a late writer at {record['looked']}, {record['late']} in all"
    if _time(record, "looked") < earliest(record, settings):
        return f"no late writer since {record['clean_since']}; read-ready at {written(earliest(record, settings))}"
    if write_units < settings.least_writes:
        return (
            f"no late writer since {record['clean_since']}, but the application used {write_units:,.0f} of the "
            f"{settings.least_writes:,.0f} write units that would show that it writes"
        )
    return None


def needs_watch(table: Table, index: Index) -> bool:
    """Whether the index was added to a live table whose items need attributes for it."""
    return table.existing and not index.existing and table.needs_backfill(index)


def read_ready(table: Table, index: Index, live: LiveTable | None, proofs: Proofs) -> tuple[bool, str]:
    """Whether readers may use the index, and the evidence for that: it is ACTIVE, verified, and, where old code could
    leave items out of it, no late writer was seen for the stack's window."""
    resource = index_resource(table.name, index.name)
    found = live.indexes.get(index.name) if live else None
    if found is None or found.status != ACTIVE:
        return False, f"{resource} is {'missing' if found is None else found.status}"
    if index.existing:
        return True, f"{resource} was there before"
    verified = (proofs.of("index", resource) or {}).get("verified")
    if verified is None:
        return False, f"{resource} is ACTIVE and not yet verified"
    if not needs_watch(table, index):
        return True, f"{resource} was verified at {verified}"
    ready = proofs.of("read-ready", resource)
    if ready is not None:
        looks = int(ready["looks"])
        seen = f"no late writer since {ready['clean_since']}, {looks} look{'s' * (looks != 1)}"
        return True, f"{resource} is read-ready since {ready['at']}: {seen}"
    watch = proofs.of("watch", table.name)
    return False, f"{resource} is built; {watch['unready'] if watch else 'nobody has looked for late writers yet'}"


def _time(record: Facts, name: str) -> datetime:
    return datetime.fromisoformat(str(record[name]))
