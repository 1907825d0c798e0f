"""Where a backfill is, in the ledger, so that whoever goes on with it loses at most one page a segment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace

from backfills.items.target import Target
from backfills.progress.records import BackfillState, Counts, PageViolations, Records, SegmentState
from stack.ledger.codec import attributes, decoded, now


class Checkpoint:
    """Keeps the place of the backfill of one table (its name in the schema)."""

    def __init__(self, records: Records, table: str) -> None:
        self._records = records
        self._partition = f"BACKFILL#{table}"
        self._state: BackfillState | None = None

    @property
    def state(self) -> BackfillState:
        """The backfill that is running. Needs `open` first."""
        assert self._state is not None
        return self._state

    def last(self) -> BackfillState | None:
        """The newest backfill of the table, running or finished, or None."""
        found = self._records.get(self._partition, "STATE")
        return None if found is None else decoded(BackfillState, found)

    def open(self, target: Target, clock: str, segments: int) -> None:
        """Goes on with the unfinished backfill of this very table and these attributes, else begins one."""
        last, filling = self.last(), target.backfill.attributes
        if last and not last.finished and (last.table_id, last.attributes) == (target.id, filling):
            self._keep(replace(last, interrupted=True))
            return
        id = secrets.token_hex(8)
        self._keep(BackfillState(id=id, table_id=target.id, attributes=filling, clock=clock, segments=segments))

    def segment(self, number: int) -> SegmentState:
        """Where that segment is in the current pass."""
        found = self._records.get(self._own, f"SEGMENT#{number:04}")
        segment = decoded(SegmentState, found) if found else None
        return segment if segment and segment.number == self.state.number else SegmentState(number=self.state.number)

    def reached(self, number: int, segment: SegmentState, violations: Mapping[str, list[str]]) -> None:
        """Records a finished page of that segment, first the keys that it reported (as JSON, with reasons)."""
        if violations:
            sort = f"VIOLATIONS#{segment.number:04}#{number:04}#{segment.pages:09}"
            self._records.put(self._own, sort, attributes(PageViolations.of(violations)))
        self._records.put(self._own, f"SEGMENT#{number:04}", attributes(segment))

    def violations(self) -> Iterator[tuple[str, list[str]]]:
        """Every key that the current pass reported (as JSON), with its reasons."""
        number = f"{self.state.number:04}"
        for record in self._records.records(self._own):
            if str(record["SK"]).startswith((f"VIOLATIONS#{number}#", f"UNFIT#{number}#")):
                yield from decoded(PageViolations, record).reasons.items()

    def next_pass(self, totals: Counts) -> None:
        """Begins another pass over every segment."""
        self._keep(replace(self.state, number=self.state.number + 1, interrupted=False, totals=totals))

    def finish(self, totals: Counts) -> None:
        """Records that it ended, and clears what only a running backfill needs."""
        self._clear(self.state)
        self._keep(replace(self.state, finished=now(), totals=totals))

    def forget(self) -> None:
        """Lets the next backfill begin anew."""
        last = self.last()
        if last is not None:
            self._clear(last)
        self._records.remove(self._partition, "STATE")

    @property
    def _own(self) -> str:
        return f"{self._partition}#{self.state.id}"

    def _clear(self, state: BackfillState) -> None:
        for record in list(self._records.records(f"{self._partition}#{state.id}")):
            self._records.remove(str(record["PK"]), str(record["SK"]))

    def _keep(self, state: BackfillState) -> None:
        self._state = state
        self._records.put(self._partition, "STATE", attributes(state))
