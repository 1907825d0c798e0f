"""The ledger records of a backfill: their keys, their fields, and how a record of an older version is read.

Only the backfill itself reads them. All are written with a plain put: each write is harmless by itself.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from backfills.items.change import ItemChange
from backfills.progress.counts import Counts
from dynamo.reader import Key
from dynamo.values import plain
from stack.ledger.ledger import Facts


class Records(Protocol):
    """The ledger, as far as a backfill needs it."""

    def put(self, partition: str, sort: str, facts: Facts) -> None: ...

    def get(self, partition: str, sort: str) -> Facts | None: ...

    def remove(self, partition: str, sort: str) -> bool: ...

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]: ...


@dataclass(frozen=True)
class BackfillState:
    """One backfill of one live table. Key: `BACKFILL#<table>`, `STATE`.

    Written by Checkpoint when a backfill or a pass begins or ends; read to go on with it, and for its clock. Valid for
    the table whose AWS id is `table_id`, and for these attributes. `clock` (ISO 8601 UTC) is what all its items get.
    The number of `segments` is fixed: with another number DynamoDB would go on at the wrong place. `number` is the pass
    that it is in, `interrupted` whether that pass was once left in the middle, `finished` when the backfill ended (ISO
    8601 UTC) or None, `totals` the counts of it all. Older versions: see Counts.recorded.
    """

    id: str
    table_id: str
    attributes: tuple[str, ...]
    clock: str
    segments: int
    number: int = 1
    interrupted: bool = False
    finished: str | None = None
    totals: Counts = field(default_factory=Counts)

    def facts(self) -> Facts:
        """What is recorded."""
        return {**asdict(self), "attributes": list(self.attributes), "totals": self.totals.facts()}

    @staticmethod
    def recorded(facts: Facts) -> BackfillState:
        """The state that was recorded so."""
        return BackfillState(
            id=str(facts["id"]),
            table_id=str(facts["table_id"]),
            attributes=tuple(facts["attributes"]),
            clock=str(facts["clock"]),
            segments=int(facts["segments"]),
            number=int(facts["number"]),
            interrupted=bool(facts["interrupted"]),
            finished=facts["finished"],
            totals=Counts.recorded(facts["totals"]),
        )


@dataclass(frozen=True)
class SegmentState:
    """How far one segment of a running backfill is. Key: `BACKFILL#<table>#<id>`, `SEGMENT#<segment>`.

    Written by Checkpoint after each page; read when the pass is gone on with. Valid in pass `number` of the backfill
    with that id. `pages` are done, `next` is the key after which the next one begins (None: at the segment's
    beginning), `done` is whether none is left. Older versions: see Counts.recorded.
    """

    number: int = 0
    pages: int = 0
    next: Key | None = None
    done: bool = False
    counts: Counts = field(default_factory=Counts)

    def facts(self) -> Facts:
        """What is recorded."""
        named = {"number": self.number, "pages": self.pages, "next": self.next, "done": self.done}
        return {**named, "counts": self.counts.facts()}

    @staticmethod
    def recorded(facts: Facts) -> SegmentState:
        """The state that was recorded so."""
        following = facts["next"] and {
            name: {kind: plain(value) for kind, value in typed.items()} for name, typed in facts["next"].items()
        }
        counts = Counts.recorded(facts["counts"])
        return SegmentState(int(facts["number"]), int(facts["pages"]), following, bool(facts["done"]), counts)


@dataclass(frozen=True)
class PageViolations:
    """The violations of one page. Key: `BACKFILL#<table>#<id>`, `VIOLATIONS#<pass>#<segment>#<page>`.

    Written by Checkpoint before the page counts as done; read at the end of the backfill, for the file of violations.
    Valid in that pass of the backfill with that id. `keys` has the reasons by item key (JSON text); the record holds it
    as compressed JSON. Older versions: the sort key begins with `UNFIT#`.
    """

    keys: Mapping[str, list[str]]

    @staticmethod
    def sort_keys(number: int) -> tuple[str, str]:
        """What the sort keys of the records of one pass begin with: in this version, and in older ones."""
        return f"VIOLATIONS#{number:04}#", f"UNFIT#{number:04}#"

    def facts(self) -> Facts:
        """What is recorded."""
        return {"keys": zlib.compress(json.dumps(self.keys, ensure_ascii=False).encode())}

    @staticmethod
    def recorded(facts: Facts) -> PageViolations:
        """The violations that were recorded so."""
        return PageViolations(json.loads(zlib.decompress(plain(facts["keys"]))))


@dataclass(frozen=True)
class JournalRecord:
    """Changes that a backfill was about to make. Key: `JOURNAL#<table>`, `<nanoseconds since 1970>#<random>`.

    Written by Journal before the changes are; read by a rollback of the backfill, newest first. Valid for the table
    whose AWS id is `table_id`. `changes` is compressed JSON: for each change the item's key, the new values, and the
    values before for those that there were. Older versions: the same.
    """

    table_id: str
    changes: bytes

    @staticmethod
    def noting(table_id: str, changes: Sequence[ItemChange]) -> JournalRecord:
        """The record of these changes."""
        noted = [
            (change.key, change.sets, {name: was for name in change.sets if (was := change.expected.get(name))})
            for change in changes
        ]
        return JournalRecord(table_id, zlib.compress(json.dumps(noted, default=_encoded).encode()))

    def undoing(self) -> list[ItemChange]:
        """The changes that take those of this record back."""
        return [
            ItemChange(
                key={name: _decoded(value) for name, value in key.items()},
                sets=was,
                removes=tuple(name for name in sets if name not in was),
                expected=sets,
            )
            for key, sets, was in json.loads(zlib.decompress(self.changes))
        ]

    def facts(self) -> Facts:
        """What is recorded."""
        return asdict(self)

    @staticmethod
    def recorded(facts: Facts) -> JournalRecord:
        """The record that was made so."""
        return JournalRecord(str(facts["table_id"]), plain(facts["changes"]))


def _encoded(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is in no key")


def _decoded(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: base64.b64decode(held) if kind == "B" else held for kind, held in value.items()}
