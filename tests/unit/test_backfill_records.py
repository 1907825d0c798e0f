"""The ledger records of a backfill: what is written is read again, and so is what older versions wrote."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from backfills.items.change import ItemChange
from backfills.items.target import target_of
from backfills.progress.checkpoint import Checkpoint
from backfills.progress.journal import Journal
from backfills.progress.records import Counts, SegmentState
from sitelogix.tables import REPORTS
from stack.ledger.ledger import Facts

KEY: dict[str, dict[str, Any]] = {"PK": {"B": b"\x00\xff"}, "SK": {"N": "1.5"}}
OLD_COUNTS = {
    **{name: Decimal(1) for name in ("scanned", "changed", "skipped", "raced", "deleted", "passes", "remaining")},
    "unfit": Decimal(2),
    "violations": {"no date": Decimal(2)},
}


class Kept:
    """A ledger in memory, which gives everything back as DynamoDB would."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Any] = {}

    def put(self, partition: str, sort: str, facts: Facts) -> None:
        serialize = TypeSerializer().serialize
        self.items[partition, sort] = {
            name: serialize(value) for name, value in {**facts, "PK": partition, "SK": sort}.items()
        }

    def get(self, partition: str, sort: str) -> Facts | None:
        item = self.items.get((partition, sort))
        return None if item is None else {name: TypeDeserializer().deserialize(value) for name, value in item.items()}

    def remove(self, partition: str, sort: str) -> bool:
        return self.items.pop((partition, sort), None) is not None

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]:
        for found, sort in sorted(self.items, reverse=newest_first):
            if found == partition:
                facts = self.get(found, sort)
                assert facts is not None
                yield facts


TARGET = target_of(REPORTS, "t-reports", "an-id")


def test_a_backfill_s_place_is_read_as_it_was_written() -> None:
    kept = Kept()
    checkpoint = Checkpoint(kept, "reports")
    checkpoint.open(TARGET, "a clock", 7)
    counts = Counts(scanned=9, violating=1, violations=Counter({"no date": 1}))
    reached = SegmentState(number=1, pages=3, next=KEY, counts=counts)
    checkpoint.reached(5, reached, {'{"PK": "é"}': ["no date"]})
    resumed = Checkpoint(kept, "reports")
    resumed.open(TARGET, "another clock", 4)
    assert resumed.state == replace(checkpoint.state, interrupted=True)
    assert (resumed.state.clock, resumed.state.segments) == ("a clock", 7)
    following = resumed.segment(5).next
    assert resumed.segment(5) == reached
    # The client takes bytes as they are, and not in the wrapper that the ledger's values come in.
    assert following is not None
    assert type(following["PK"]["B"]) is bytes
    assert resumed.segment(6) == SegmentState(number=1)
    assert list(resumed.violations()) == [('{"PK": "é"}', ["no date"])]
    resumed.finish(counts)
    last = resumed.last()
    assert last is not None
    assert (last.finished is not None, last.totals) == (True, counts)
    assert list(kept.items) == [("BACKFILL#reports", "STATE")]


def test_the_place_that_an_older_version_left_is_gone_on_with() -> None:
    kept = Kept()
    kept.put(
        "BACKFILL#reports",
        "STATE",
        {
            "id": "abc",
            "table_id": "an-id",
            "attributes": list(TARGET.backfill.attributes),
            "clock": "a clock",
            "segments": 4,
            "number": 2,
            "interrupted": False,
            "finished": None,
            "totals": OLD_COUNTS,
            "run": "a run",
        },
    )
    segment = {"number": 2, "pages": 1, "next": KEY, "done": False, "counts": OLD_COUNTS}
    kept.put("BACKFILL#reports#abc", "SEGMENT#0000", segment)
    keys = zlib.compress(json.dumps({"a key": ["no date"]}).encode())
    kept.put("BACKFILL#reports#abc", "UNFIT#0002#0000#000000001", {"keys": keys})
    kept.put("BACKFILL#reports#abc", "UNFIT#0001#0000#000000001", {"keys": keys})
    checkpoint = Checkpoint(kept, "reports")
    checkpoint.open(TARGET, "another clock", 9)
    ones = Counts(1, 1, 1, 1, 1, 1, 1, violating=2, violations=Counter({"no date": 2}))
    assert (checkpoint.state.id, checkpoint.state.clock, checkpoint.state.totals) == ("abc", "a clock", ones)
    assert checkpoint.segment(0) == SegmentState(number=2, pages=1, next=KEY, counts=ones)
    assert list(checkpoint.violations()) == [("a key", ["no date"])]


def test_the_backfill_of_another_table_of_that_name_is_not_gone_on_with() -> None:
    kept = Kept()
    Checkpoint(kept, "reports").open(TARGET, "a clock", 7)
    restored = Checkpoint(kept, "reports")
    restored.open(replace(TARGET, id="another-id"), "another clock", 4)
    assert (restored.state.clock, restored.state.segments, restored.state.interrupted) == ("another clock", 4, False)


def test_what_the_journal_notes_is_taken_back_by_its_reverse() -> None:
    kept = Kept()
    journal = Journal(kept, "reports", "an-id")
    mended = {"S": "2025"}
    journal.note([ItemChange(KEY, {"status": {"S": "x"}, "date": {"S": "2026"}}, (), {"status": None, "date": mended})])
    ((name, (change,)),) = journal.undoing()
    assert change == ItemChange(KEY, {"date": mended}, ("status",), {"status": {"S": "x"}, "date": {"S": "2026"}})
    assert list(Journal(kept, "reports", "another-id").undoing()) == [(name, [])]
    journal.forget(name)
    assert journal.is_empty()
