"""Where a backfill is, in the ledger, so that whoever goes on with it loses at most one page a segment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace

from backfills.progress.counts import Counts
from backfills.progress.records import BackfillState, PageViolations, Records, SegmentState
from stack.ledger.codec import now, written


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
        return None if found is None else BackfillState.recorded(found)

    def open(self, table_id: str, attributes: tuple[str, ...], clock: str, segments: int) -> None:
        """Goes on with the unfinished backfill of this very table and these attributes, else begins one."""
        last = self.last()
        if last and not last.finished and (last.table_id, last.attributes) == (table_id, attributes):
            self._keep(replace(last, interrupted=True))
        else:
            self._keep(BackfillState(secrets.token_hex(8), table_id, attributes, clock, segments))

    def segment(self, number: int) -> SegmentState:
        """Where that segment is in the current pass."""
        found = self._records.get(self._own, f"SEGMENT#{number:04}")
        recorded = SegmentState.recorded(found) if found else None
        if recorded is None or recorded.number != self.state.number:
            return SegmentState(number=self.state.number)
        return recorded

    def reached(self, number: int, segment: SegmentState, violations: Mapping[str, list[str]]) -> None:
        """Records a finished page of that segment, first the keys that it reported (as JSON, with reasons)."""
        if violations:
            current, _ = PageViolations.sort_keys(segment.number)
            record = PageViolations(violations)
            self._records.put(self._own, f"{current}{number:04}#{segment.pages:09}", record.facts())
        self._records.put(self._own, f"SEGMENT#{number:04}", segment.facts())

    def violations(self) -> Iterator[tuple[str, list[str]]]:
        """Every key that the current pass reported (as JSON), with its reasons."""
        for record in self._records.records(self._own):
            if str(record["SK"]).startswith(PageViolations.sort_keys(self.state.number)):
                yield from PageViolations.recorded(record).keys.items()

    def next_pass(self, totals: Counts) -> None:
        """Begins another pass over every segment."""
        self._keep(replace(self.state, number=self.state.number + 1, interrupted=False, totals=totals))

    def finish(self, totals: Counts) -> None:
        """Records that it ended, and clears what only a running backfill needs."""
        self._clear(self.state)
        self._keep(replace(self.state, finished=written(now()), totals=totals))

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
        self._records.put(self._partition, "STATE", state.facts())
