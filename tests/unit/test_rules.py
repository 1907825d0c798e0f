"""The rules by which items get their new attributes, one row of the requirements at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfills.items.transform import record_time
from schema.backfill import Backfill, Filled, Given, constant, fill
from sitelogix.tables import SITELOGIX

BACKFILLS = {table.name: table.backfill for table in SITELOGIX if table.backfill is not None}
CLOCK = "2026-01-02T03:04:05Z"
NOTHING = Given(CLOCK)


def item(**attributes: Any) -> dict[str, dict[str, Any]]:
    typed = {name: value if isinstance(value, dict) else {"S": value} for name, value in attributes.items()}
    return {"PK": {"S": "X#1"}, "SK": {"S": "PROFILE"}, **typed}


def values(table: str, known: Given = NOTHING, **attributes: Any) -> dict[str, str]:
    return dict(fill(BACKFILLS[table], item(**attributes), known).values)


def reasons(table: str, **attributes: Any) -> dict[str, str]:
    return dict(fill(BACKFILLS[table], item(**attributes), NOTHING).reasons)


def test_a_report_gets_status_published_and_its_creation_time() -> None:
    found = values("reports", createdAt="2025-05-05T05:05:05Z")
    assert found == {"status": "published", "timestamp": "2025-05-05T05:05:05Z"}


def test_a_report_without_creation_time_gets_the_clock_of_the_run() -> None:
    assert values("reports") == {"status": "published", "timestamp": CLOCK}


def test_a_person_was_last_seen_in_the_newest_record() -> None:
    found = values("personnel", Given(CLOCK, newest="2025-06-07"), updatedAt="2025-09-09T00:00:00Z")
    assert found == {"status": "active", "dateLastSeen": "2025-06-07"}


def test_a_person_without_records_was_last_seen_when_updated() -> None:
    found = values("personnel", updatedAt="2025-09-09T00:00:00Z", createdAt="2025-01-05T00:00:00Z")
    assert found["dateLastSeen"] == "2025-09-09T00:00:00Z"


def test_a_person_never_updated_was_last_seen_when_created() -> None:
    assert values("personnel", createdAt="2025-01-05T00:00:00Z")["dateLastSeen"] == "2025-01-05T00:00:00Z"


def test_a_person_with_no_time_at_all_gets_the_first_day() -> None:
    assert values("personnel") == {"status": "active", "dateLastSeen": "2025-01-01"}


def test_a_vendor_keeps_the_type_that_old_code_gave_it() -> None:
    assert values("vendors", vendorType="rental")["vendor_type"] == "rental"


def test_a_vendor_without_type_is_a_supplier() -> None:
    assert values("vendors") == {"vendor_type": "supplier", "dateLastSeen": "2025-01-01"}


def test_a_constraint_gets_project_and_date_of_the_old_attributes() -> None:
    found = values("constraints", PK="PROJECT#p1", projectId="p2", reportDate="2025-03-03")
    assert found == {"project_id": "p2", "report_date": "2025-03-03"}


def test_a_constraint_without_project_id_gets_the_project_of_its_key() -> None:
    assert values("constraints", PK="PROJECT#p1", reportDate="2025-03-03")["project_id"] == "p1"


@pytest.mark.parametrize("key", ["UNFILED#1", "PROJECT#", "project#p1"])
def test_a_constraint_of_no_project_is_reported_and_never_guessed(key: str) -> None:
    assert reasons("constraints", PK=key, reportDate="2025-03-03") == {
        "project_id": "no projectId, and PK is not PROJECT#<id>"
    }


def test_a_constraint_without_date_is_reported_and_still_gets_its_project() -> None:
    filled = fill(BACKFILLS["constraints"], item(PK="PROJECT#p1"), NOTHING)
    assert filled == Filled({"project_id": "p1"}, {"report_date": "no reportDate"})


@pytest.mark.parametrize(
    ("table", "attributes", "expected"),
    [
        ("reports", {"createdAt": {"N": "1"}}, {"timestamp": "createdAt is not a string"}),
        ("reports", {"createdAt": ""}, {"timestamp": "createdAt is an empty string"}),
        ("personnel", {"updatedAt": {"NULL": True}}, {"dateLastSeen": "updatedAt is not a string"}),
        ("vendors", {"vendorType": {"SS": ["a"]}}, {"vendor_type": "vendorType is not a string"}),
    ],
)
def test_a_source_that_can_be_no_index_key_is_reported(
    table: str, attributes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert reasons(table, **attributes) == expected


@pytest.mark.parametrize("backfill", BACKFILLS.values(), ids=list(BACKFILLS))
def test_an_attribute_that_is_there_is_never_computed_again(backfill: Backfill) -> None:
    present = {attribute: {"S": "kept"} for attribute in backfill.attributes}
    assert fill(backfill, {**item(), **present}, NOTHING) == Filled()


def test_each_existing_table_gets_the_two_keys_of_its_new_index() -> None:
    assert {table.name: table.backfilled for table in SITELOGIX} == {
        "reports": ("status", "timestamp"),
        "personnel": ("status", "dateLastSeen"),
        "vendors": ("vendor_type", "dateLastSeen"),
        "constraints": ("project_id", "report_date"),
        "work-logs": (),
        "ai-analysis-cache": (),
    }


def test_a_backfill_cannot_read_what_it_writes() -> None:
    with pytest.raises(ValueError, match=r"^a backfill cannot read what it writes: status$"):
        Backfill({"status": constant("x")}, reads=("status",))


def test_a_backfill_has_rules() -> None:
    with pytest.raises(ValueError, match=r"^a backfill without rules fills nothing$"):
        Backfill({})


@pytest.mark.parametrize(
    ("sort_key", "expected"),
    [
        ("HISTORY#r1#2025-03-01T23:30:00-02:00", "2025-03-02T01:30:00+00:00"),
        ("HISTORY#r1#2025-03-01T10:00:00Z", "2025-03-01T10:00:00+00:00"),
        ("HISTORY#r1#2025-03-01T10:00:00", "2025-03-01T10:00:00+00:00"),
        ("HISTORY#r#1#2025-03-01", "2025-03-01T00:00:00+00:00"),
        ("HISTORY#r1#yesterday", None),
        ("HISTORY#r1#", None),
    ],
)
def test_the_time_of_a_record_is_read_from_the_end_of_its_key_in_utc(sort_key: str, expected: str | None) -> None:
    time = record_time(sort_key)
    assert (time.isoformat() if time else None) == expected


VALUES = st.one_of(
    st.text(max_size=20).map(lambda text: {"S": text}),
    st.integers().map(lambda number: {"N": str(number)}),
    st.just({"NULL": True}),
    st.lists(st.text(max_size=3), max_size=2).map(lambda texts: {"L": [{"S": text} for text in texts]}),
)


@given(
    table=st.sampled_from(sorted(BACKFILLS)),
    attributes=st.dictionaries(
        st.sampled_from(
            sorted({name for backfill in BACKFILLS.values() for name in (*backfill.attributes, *backfill.reads)})
        ),
        VALUES,
    ),
    newest=st.none() | st.just("2025-06-07"),
)
def test_every_missing_attribute_gets_a_usable_value_or_a_reason(
    table: str, attributes: dict[str, Any], newest: str | None
) -> None:
    backfill = BACKFILLS[table]
    before = item(PK="PROJECT#p1", **attributes)
    filled = fill(backfill, before, Given(CLOCK, newest))
    missing = set(backfill.attributes) - set(before)
    assert set(filled.values) | set(filled.reasons) == missing
    assert not set(filled.values) & set(filled.reasons)
    assert all(value for value in filled.values.values())
    assert fill(backfill, {**before, **{name: {"S": v} for name, v in filled.values.items()}}, NOTHING).values == {}
