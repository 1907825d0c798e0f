"""The ledger's records: what is written is read again, what older versions wrote is understood, the rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import Refused
from schema.references import IndexRef
from stack.file.config import StackConfig
from stack.ledger.codec import decoded
from stack.ledger.ledger import Ledger
from stack.ledger.proofs import KINDS, proof_of
from stack.ledger.records import BrownOutNote, IndexProof, Pause, Proof, TableProof
from tests.older_records import ALWAYS, AT, NEW, OLD, OLDER
from tests.worlds import settings


class Kept:
    """Stands for DynamoDB: keeps items by their keys."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Any] = {}

    def put(self, item: Mapping[str, Any]) -> None:
        """Puts an item of plain values."""
        serialize = TypeSerializer().serialize
        self.items[item["PK"], item["SK"]] = {name: serialize(value) for name, value in item.items()}

    def transact_write_items(self, TransactItems: Any) -> None:  # noqa: N803  # boto3's name
        for each in TransactItems:
            item = each["Put"]["Item"]
            self.items[item["PK"]["S"], item["SK"]["S"]] = item

    def get_item(self, Key: Any, **parameters: Any) -> Any:  # noqa: N803  # boto3's name
        found = self.items.get((Key["PK"]["S"], Key["SK"]["S"]))
        return {"Item": found} if found else {}

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **parameters: Any) -> Any:
        return [{"Items": [item for (partition, _), item in self.items.items() if partition == "PROOF"]}]


def ledger_of(kept: Any) -> Ledger:
    config = StackConfig(
        stack="test", checkout=Path(), settings=settings(), region="us-east-1", project="things", endpoint="http://x"
    )
    return Ledger(kept, config)


TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=0)
)
COUNTS = st.integers(0, 10**12)
TEXTS = st.text(max_size=20)
FRACTIONS = st.integers(0, 10**9).map(lambda count: count / 64)
FACTS = st.recursive(COUNTS | TEXTS | st.booleans(), lambda part: st.lists(part) | st.dictionaries(TEXTS, part))
VALUES: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    str | None: st.none() | TEXTS,
    bool: st.booleans(),
    int: COUNTS,
    int | None: st.none() | COUNTS,
    float: FRACTIONS,
    datetime: TIMES,
    datetime | None: st.none() | TIMES,
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
    dict[str, int]: st.dictionaries(TEXTS, COUNTS, max_size=3),
    dict[str, int] | None: st.none() | st.dictionaries(TEXTS, COUNTS, max_size=3),
    dict[str, str]: st.dictionaries(TEXTS, TEXTS, max_size=3),
    dict[str, Any]: st.dictionaries(TEXTS, FACTS, max_size=3),
    dict[datetime, float]: st.dictionaries(TIMES, FRACTIONS, max_size=3),
}
"""What a field of each type may hold."""
NAMES = st.from_regex(r"[A-Za-z0-9_.-]{3,20}", fullmatch=True)


def proofs(kind: type[Proof]) -> st.SearchStrategy[Proof]:
    """Proofs of that kind with any values."""
    hints = get_type_hints(kind)
    values = {each.name: VALUES[hints[each.name]] for each in fields(kind) if each.name != "subject"}
    return st.builds(kind, subject=st.builds(IndexRef, NAMES, NAMES) if kind.OF_INDEX else NAMES, **values)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(data=st.data())
def test_a_proof_is_read_as_it_was_written(kind: type[Proof], data: st.DataObject) -> None:
    proof = data.draw(proofs(kind))
    ledger = ledger_of(Kept())
    ledger.run = "a run"
    ledger.prove(proof)
    found = ledger.proof(kind, proof.subject)
    assert found is not None
    assert found.at is not None, "when it was written"
    assert found == replace(proof, at=found.at)
    assert ledger.proofs().get(kind, proof.subject) == found


def test_a_proof_is_stored_under_its_kind_and_subject_and_what_is_not_given_is_left_out() -> None:
    kept = Kept()
    ledger = ledger_of(kept)
    ledger.run = "a run"
    ledger.prove(IndexProof(subject=NEW, table_id="id-1", started=AT))
    ((key, item),) = kept.items.items()
    assert key == ("PROOF", "index#reports/GSI3-StatusIndex")
    assert item.pop("at")["S"].endswith("Z")
    assert item == {
        "PK": {"S": "PROOF"},
        "SK": {"S": "index#reports/GSI3-StatusIndex"},
        "run": {"S": "a run"},
        "table_id": {"S": "id-1"},
        "started": {"S": "2026-11-23T00:36:49Z"},
    }


@pytest.mark.parametrize(("item", "proof"), OLDER.values(), ids=OLDER)
def test_a_proof_that_an_older_version_wrote_is_read(item: Mapping[str, Any], proof: Proof) -> None:
    kept = Kept()
    kept.put(item)
    ledger = ledger_of(kept)
    assert ledger.proof(type(proof), proof.subject) == proof
    assert list(ledger.proofs().by_key.items()) == [(item["SK"], proof)]


def test_there_is_an_older_example_of_every_kind() -> None:
    assert {type(proof) for _, proof in OLDER.values()} == set(KINDS.values())


def test_a_note_of_a_brown_out_and_a_pause_of_an_older_version_are_read() -> None:
    note = {
        "PK": "BROWN-OUT",
        "SK": str(OLD),
        "table_arn": "arn:table",
        "index_arn": "arn:index",
        "policy": None,
        "denying": "{}",
        "at": "2026-11-23T00:36:49Z",
        "revision": "17",
        "run": "a run",
    }
    assert decoded(BrownOutNote, note, index=OLD) == BrownOutNote(
        index=OLD, table_arn="arn:table", index_arn="arn:index", denying="{}", at=AT, revision="17"
    )
    pause = {"PK": "CONTROL", "SK": "PAUSE", "by": "ana@host", "at": "2026-11-23T00:36:49Z"}
    assert decoded(Pause, pause) == Pause(by="ana@host", at=AT)


def test_a_field_that_no_version_up_to_this_one_wrote_is_refused_by_name() -> None:
    kept = Kept()
    kept.put({**ALWAYS, "SK": "table#reports", "stream": "arn", "colour": "blue"})
    ledger = ledger_of(kept)
    for read in (ledger.proofs, lambda: ledger.proof(TableProof, "reports")):
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.what == "The ledger's record PROOF / table#reports is not one that this version reads."
        assert refused.value.why == "colour: Unexpected keyword argument."
        assert refused.value.next == (
            "Use the version of this tool that wrote it: ./invoke history names the code of each run."
        )
        assert refused.value.exit_code == 4


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"scanned": "many"}, "scanned: "),
        ({"attributes": "status"}, "attributes: "),
        ({"at": "yesterday"}, "at: "),
        ({"violations": {"createdAt is missing": "two"}}, "violations.createdAt is missing: "),
    ],
)
def test_a_value_that_this_version_does_not_understand_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    item, _ = OLDER["backfill"]
    with pytest.raises(Refused) as refused:
        proof_of({**item, **changes})
    assert refused.value.why.startswith(named)
    assert refused.value.exit_code == 4


def test_a_proof_that_lacks_what_this_version_needs_is_refused_by_name() -> None:
    with pytest.raises(Refused) as refused:
        proof_of({**ALWAYS, "SK": "backfill#reports"})
    assert refused.value.why == "attributes: Field required."
    assert refused.value.exit_code == 4


def test_a_kind_that_this_version_does_not_know_is_refused_by_name() -> None:
    kept = Kept()
    kept.put({**ALWAYS, "SK": "colour#reports"})
    with pytest.raises(Refused) as refused:
        ledger_of(kept).proofs()
    assert refused.value.what == "The ledger has a proof of a kind that this version does not know: colour#reports."
    assert refused.value.why == (
        "Known are: owner, least-version, verify, table, backup, backfill, index, raised, watch, read-ready, shadow, "
        "own-read, brown-out, rolled-back, restored, rollback, check, loadtest, attestation, override."
    )
    assert refused.value.exit_code == 4
