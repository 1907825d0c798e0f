"""The counts of a backfill, and its ledger records: keys, fields, and how a record of an older version is read.

Only the backfill itself reads them. All are written with a plain put: each write is harmless by itself.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Protocol

from pydantic import AliasChoices, BeforeValidator, Field

from backfills.items.change import ItemChange
from dynamo.reader import Key
from dynamo.values import plain
from stack.ledger.codec import Record
from stack.ledger.ledger import Facts

_TOLD = ("scanned", "changed", "skipped", "raced", "deleted", "passes", "remaining", "violating")
Bytes = Annotated[bytes, BeforeValidator(plain)]


@dataclass
class Counts:
    """Items by what became of them.

    Of the whole backfill: `changed`; `raced`, how often the application was faster; `deleted` by it meanwhile;
    `passes`. Of the last pass: `scanned`; `skipped`, those that needed nothing; `remaining`, those that it still had
    to change or leave; `violating`, those that cannot be filled or be in an index, with `violations` by reason.
    `seconds` is how long that pass took, `rate` the write units a second that are allowed now. In the ledger records of
    older versions `violating` is `unfit`.
    """

    scanned: int = 0
    changed: int = 0
    skipped: int = 0
    raced: int = 0
    deleted: int = 0
    passes: int = 0
    remaining: int = 0
    violating: Annotated[int, Field(validation_alias=AliasChoices("violating", "unfit"))] = 0
    violations: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rate: float = 0.0

    def add(self, other: Counts) -> None:
        """Adds the items that another part of the pass looked at."""
        for name in ("scanned", "changed", "skipped", "raced", "deleted", "remaining", "violating"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.violations.update(other.violations)

    def facts(self) -> Facts:
        """What is told and recorded of them."""
        return {name: getattr(self, name) for name in _TOLD} | {"violations": dict(self.violations)}

    def next_pass(self) -> None:
        """Keeps what counts for the whole backfill, and begins the rest anew."""
        self.passes += 1
        self.scanned = self.skipped = self.remaining = self.violating = 0
        self.violations = Counter()


class Records(Protocol):
    """The ledger, as far as a backfill needs it."""

    def put(self, partition: str, sort: str, facts: Facts) -> None: ...

    def get(self, partition: str, sort: str) -> Facts | None: ...

    def remove(self, partition: str, sort: str) -> bool: ...

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]: ...


@dataclass(frozen=True, kw_only=True)
class BackfillState(Record):
    """One backfill of one live table. Key: `BACKFILL#<table>`, `STATE`.

    Written by Checkpoint when a backfill or a pass begins or ends; read to go on with it, and for its clock. Valid for
    the table whose AWS id is `table_id`, and for these attributes. `clock` (ISO 8601 UTC) is what all its items get.
    The number of `segments` is fixed: with another number DynamoDB would go on at the wrong place. `number` is the pass
    that it is in, `interrupted` whether that pass was once left in the middle, `finished` when the backfill ended (or
    None), `totals` the counts of it all. Older versions: the same, but for the names in Counts.
    """

    id: str
    table_id: str
    attributes: tuple[str, ...]
    clock: str
    segments: int
    number: int = 1
    interrupted: bool = False
    finished: datetime | None = None
    totals: Counts = field(default_factory=Counts)


@dataclass(frozen=True, kw_only=True)
class SegmentState(Record):
    """How far one segment of a running backfill is. Key: `BACKFILL#<table>#<id>`, `SEGMENT#<segment>`.

    Written by Checkpoint after each page; read when the pass is gone on with. Valid in pass `number` of the backfill
    with that id. `pages` are done, `next` is the key after which the next one begins (None: at the segment's
    beginning), `done` is whether none is left. Older versions: the same, but for the names in Counts.
    """

    number: int
    pages: int = 0
    next: Annotated[Key | None, BeforeValidator(lambda key: key and _plain_key(key))] = None
    done: bool = False
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, kw_only=True)
class PageViolations(Record):
    """The violations of one page. Key: `BACKFILL#<table>#<id>`, `VIOLATIONS#<pass>#<segment>#<page>`.

    Written by Checkpoint before the page counts as done; read at the end of the backfill, for the file of violations.
    Valid in that pass of the backfill with that id. `keys` is compressed JSON: the reasons by item key (JSON text).
    Older versions: the sort key begins with `UNFIT#`.
    """

    keys: Bytes

    @staticmethod
    def of(reasons: Mapping[str, list[str]]) -> PageViolations:
        """The record of these reasons by item key."""
        return PageViolations(keys=zlib.compress(json.dumps(reasons, ensure_ascii=False).encode()))

    @property
    def reasons(self) -> dict[str, list[str]]:
        """The reasons by item key."""
        found: dict[str, list[str]] = json.loads(zlib.decompress(self.keys))
        return found


@dataclass(frozen=True, kw_only=True)
class JournalRecord(Record):
    """Changes that a backfill was about to make. Key: `JOURNAL#<table>`, `<nanoseconds since 1970>#<random>`.

    Written by Journal before the changes are; read by a rollback of the backfill, newest first. Valid for the table
    whose AWS id is `table_id`. `changes` is compressed JSON: for each change the item's key, the new values, and the
    values before for those that there were. Older versions: the same.
    """

    table_id: str
    changes: Bytes

    @staticmethod
    def of(table_id: str, changes: Sequence[ItemChange]) -> JournalRecord:
        """The record of these changes."""
        noted = [
            (change.key, change.sets, {name: was for name in change.sets if (was := change.expected.get(name))})
            for change in changes
        ]
        return JournalRecord(table_id=table_id, changes=zlib.compress(json.dumps(noted, default=_encoded).encode()))

    @property
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


def _plain_key(key: Key) -> Key:
    return {name: {kind: plain(value) for kind, value in typed.items()} for name, typed in key.items()}


def _encoded(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is in no key")


def _decoded(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: base64.b64decode(held) if kind == "B" else held for kind, held in value.items()}
