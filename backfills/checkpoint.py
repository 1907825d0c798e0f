"""Where a backfill is, in the ledger, so that whoever goes on with it loses at most one page a segment.

Records:
    PK `BACKFILL#<table>`       SK `STATE`               the backfill: clock, segments, pass, how it ended
    PK `BACKFILL#<table>#<id>`  SK `SEGMENT#<number>`    one segment: pass, page, where the next page begins, counts
    PK `BACKFILL#<table>#<id>`  SK `UNFIT#<pass>#<segment>#<page>`   the keys that one page reported, with reasons
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, cast

from boto3.dynamodb.types import Binary

from backfills.counts import Counts
from backfills.scan import Key
from stack.ledger.codec import now, written
from stack.ledger.ledger import Facts


class Records(Protocol):
    """The ledger, as far as a backfill needs it."""

    def put(self, partition: str, sort: str, facts: Facts) -> None: ...

    def get(self, partition: str, sort: str) -> Facts | None: ...

    def remove(self, partition: str, sort: str) -> bool: ...

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]: ...


@dataclass(frozen=True)
class State:
    """One backfill of one live table: the reading of the clock that all its items get, the number of segments (fixed:
    with another number DynamoDB would go on at the wrong place), and the pass that it is in. `interrupted` is whether
    this pass was once left in the middle; `finished` is when it ended, or None."""

    id: str
    table_id: str
    attributes: tuple[str, ...]
    clock: str
    segments: int
    number: int = 1
    interrupted: bool = False
    finished: str | None = None
    totals: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class Segment:
    """How far one segment is in pass `number`: pages done, where the next begins, and what it counted."""

    number: int = 0
    pages: int = 0
    next: Key | None = None
    done: bool = False
    counts: Counts = field(default_factory=Counts)


class Checkpoint:
    """Keeps the place of the backfill of one table (its name in the schema)."""

    def __init__(self, records: Records, table: str) -> None:
        self._records = records
        self._partition = f"BACKFILL#{table}"
        self._state: State | None = None

    @property
    def state(self) -> State:
        """The backfill that is running. Needs `open` first."""
        assert self._state is not None
        return self._state

    def last(self) -> State | None:
        """The newest backfill of the table, running or finished, or None."""
        found = self._records.get(self._partition, "STATE")
        if found is None:
            return None
        return State(
            id=str(found["id"]),
            table_id=str(found["table_id"]),
            attributes=tuple(found["attributes"]),
            clock=str(found["clock"]),
            segments=int(found["segments"]),
            number=int(found["number"]),
            interrupted=bool(found["interrupted"]),
            finished=found["finished"],
            totals=Counts.recorded(found["totals"]),
        )

    def open(self, table_id: str, attributes: tuple[str, ...], clock: str, segments: int) -> State:
        """Goes on with the unfinished backfill of this very table and these attributes, else begins one."""
        last = self.last()
        if last and not last.finished and (last.table_id, last.attributes) == (table_id, attributes):
            return self._keep(replace(last, interrupted=True))
        return self._keep(State(secrets.token_hex(8), table_id, attributes, clock, segments))

    def segment(self, number: int) -> Segment:
        """Where that segment is in the current pass."""
        found = self._records.get(self._own, f"SEGMENT#{number:04}")
        if found is None or int(found["number"]) != self.state.number:
            return Segment(number=self.state.number)
        return Segment(
            number=int(found["number"]),
            pages=int(found["pages"]),
            next=_plain_key(found["next"]),
            done=bool(found["done"]),
            counts=Counts.recorded(found["counts"]),
        )

    def reached(self, number: int, segment: Segment, unfit: Mapping[str, list[str]]) -> None:
        """Records a finished page of that segment, first the keys that it reported (as JSON, with reasons)."""
        if unfit:
            text = json.dumps(unfit, ensure_ascii=False).encode()
            sort = f"UNFIT#{segment.number:04}#{number:04}#{segment.pages:09}"
            self._records.put(self._own, sort, {"keys": zlib.compress(text)})
        self._records.put(
            self._own,
            f"SEGMENT#{number:04}",
            {
                "number": segment.number,
                "pages": segment.pages,
                "next": segment.next,
                "done": segment.done,
                "counts": segment.counts.facts(),
            },
        )

    def unfit(self) -> Iterator[tuple[str, list[str]]]:
        """Every key that the current pass reported (as JSON), with its reasons."""
        for record in self._records.records(self._own):
            if str(record["SK"]).startswith(f"UNFIT#{self.state.number:04}#"):
                yield from json.loads(zlib.decompress(plain(record["keys"]))).items()

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
        return self._of(self.state)

    def _of(self, state: State) -> str:
        return f"{self._partition}#{state.id}"

    def _clear(self, state: State) -> None:
        for record in list(self._records.records(self._of(state))):
            self._records.remove(str(record["PK"]), str(record["SK"]))

    def _keep(self, state: State) -> State:
        self._state = state
        self._records.put(
            self._partition,
            "STATE",
            {**asdict(state), "attributes": list(state.attributes), "totals": state.totals.facts()},
        )
        return state


def _plain_key(key: Any) -> Key | None:
    if key is None:
        return None
    return {name: {kind: plain(value) for kind, value in typed.items()} for name, typed in key.items()}


def plain(value: Any) -> Any:
    """What the ledger gave, with bytes as bytes."""
    return bytes(cast("Any", value)) if isinstance(value, Binary) else value
