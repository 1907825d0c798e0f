"""Backfills over the AWS protocol: every item in scope, nothing else, and never over the application's own writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from backfills.items.writer import probe
from backfills.progress.records import Counts
from backfills.run.assembly import Assembly, Options
from schema.errors import LeaseLost, Refused, VerificationFailed
from sitelogix.data_set import before_migration
from sitelogix.tables import SITELOGIX
from stack.aws import dynamodb_once
from stack.ledger.ledger import Ledger
from tests.backfilling import CLOCK, assembly, report, target
from tests.conftest import EmulatedStack


class Interposed:
    """A client that calls `before_update` once for each UpdateItem, before it is sent: the application being faster."""

    def __init__(self, client: Any, before_update: Callable[[dict[str, Any]], None]) -> None:
        self._client = client
        self._before_update = before_update

    def update_item(self, **parameters: Any) -> Any:
        self._before_update(parameters["Key"])
        return self._client.update_item(**parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def run(stack: EmulatedStack, table: str, client: Any = None) -> Counts:
    # moto overwrites in spite of PartiQL conditions, so it gets the single writer.
    return assembly(stack, table, Options(writer="single"), client).run(CLOCK).counts


def once(act: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Acts for the first item only."""
    acted: list[dict[str, Any]] = []

    def maybe(key: dict[str, Any]) -> None:
        if not acted:
            acted.append(key)
            act(key)

    return maybe


def test_every_item_over_several_pages_is_filled(moto_stack: EmulatedStack) -> None:
    text = "x" * 40_000
    moto_stack.create("reports", [report(number, createdAt="2025-01-01", body=text) for number in range(120)])
    counts = run(moto_stack, "reports")
    assert (counts.scanned, counts.changed, counts.remaining) == (120, 120, 0)
    filled = {(item["status"]["S"], item["timestamp"]["S"]) for item in moto_stack.items("reports").values()}
    assert filled == {("published", "2025-01-01")}


@pytest.mark.parametrize("table", ["reports", "personnel", "vendors", "constraints"])
def test_what_was_there_before_is_unchanged_in_every_item(moto_stack: EmulatedStack, table: str) -> None:
    items = [item for number, item in enumerate(before_migration()[table]()) if number < 400]
    moto_stack.create(table, items)
    before = deepcopy(moto_stack.items(table))
    run(moto_stack, table)
    after = moto_stack.items(table)
    added = set(SITELOGIX.table(table).backfilled)
    assert set(after) == set(before)
    for key, item in before.items():
        assert {name: after[key][name] for name in item} == item
        assert set(after[key]) - set(item) <= added


def test_only_profiles_are_filled(moto_stack: EmulatedStack) -> None:
    person = {"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}}
    record = {"PK": {"S": "PERSON#1"}, "SK": {"S": "HISTORY#r1#2025-04-04T00:00:00Z"}}
    moto_stack.create("personnel", [person, record])
    counts = run(moto_stack, "personnel")
    items = moto_stack.items("personnel")
    assert counts.changed == 1
    assert items[("PERSON#1", "HISTORY#r1#2025-04-04T00:00:00Z")] == record
    assert items[("PERSON#1", "PROFILE")]["dateLastSeen"] == {"S": "2025-04-04"}


def test_the_newest_record_is_found_by_time_not_by_sort_key(moto_stack: EmulatedStack) -> None:
    keys = ["HISTORY#r1#2025-09-09T23:00:00-05:00", "HISTORY#r5#2025-09-10T01:00:00Z", "HISTORY#r9#2025-01-01"]
    records = [{"PK": {"S": "PERSON#1"}, "SK": {"S": key}} for key in keys]
    moto_stack.create("personnel", [{"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}}, *records])
    run(moto_stack, "personnel")
    # 23:00 at -05:00 is 04:00 UTC of the next day: later than the others.
    assert moto_stack.items("personnel")[("PERSON#1", "PROFILE")]["dateLastSeen"] == {"S": "2025-09-10"}


def test_a_second_run_changes_nothing(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(number) for number in range(30)])
    run(moto_stack, "reports")
    before = moto_stack.items("reports")
    assert run(moto_stack, "reports").changed == 0
    assert moto_stack.items("reports") == before


def test_a_concurrent_write_is_never_overwritten(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1, createdAt="2025-01-01")])

    def application(key: dict[str, Any]) -> None:
        moto_stack.client.update_item(
            TableName=physical,
            Key=key,
            UpdateExpression="SET #s = :draft",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":draft": {"S": "draft"}},
        )

    counts = run(moto_stack, "reports", Interposed(moto_stack.client, once(application)))
    (item,) = moto_stack.items("reports").values()
    assert item["status"] == {"S": "draft"}
    assert item["timestamp"] == {"S": "2025-01-01"}
    assert counts.changed == 1


def test_an_item_deleted_meanwhile_is_not_resurrected(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1)])

    def application(key: dict[str, Any]) -> None:
        moto_stack.client.delete_item(TableName=physical, Key=key)

    counts = run(moto_stack, "reports", Interposed(moto_stack.client, once(application)))
    assert moto_stack.items("reports") == {}
    assert counts.changed == 0


def test_a_source_that_changes_meanwhile_is_read_again(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1, createdAt="2025-01-01")])

    def application(key: dict[str, Any]) -> None:
        moto_stack.client.put_item(TableName=physical, Item=report(1, createdAt="2025-02-02"))

    run(moto_stack, "reports", Interposed(moto_stack.client, once(application)))
    (item,) = moto_stack.items("reports").values()
    assert item["timestamp"] == {"S": "2025-02-02"}


def test_a_source_that_appears_meanwhile_is_used(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1)])

    def application(key: dict[str, Any]) -> None:
        moto_stack.client.put_item(TableName=physical, Item=report(1, createdAt="2025-02-02"))

    run(moto_stack, "reports", Interposed(moto_stack.client, once(application)))
    (item,) = moto_stack.items("reports").values()
    assert item["timestamp"] == {"S": "2025-02-02"}


def test_a_canary_that_reads_back_wrong_stops_before_any_other_item(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(number) for number in range(20)])

    class Liar(Interposed):
        def get_item(self, **parameters: Any) -> Any:
            found = self._client.get_item(**parameters)
            if parameters["TableName"] == moto_stack.config.physical_name("reports"):
                found["Item"]["status"] = {"S": "garbled"}
            return found

    with pytest.raises(VerificationFailed, match="canary"):
        run(moto_stack, "reports", Liar(moto_stack.client, lambda key: None))
    touched = [item for item in moto_stack.items("reports").values() if "status" in item]
    assert len(touched) == 1


def test_items_without_a_source_are_counted_by_reason_and_left_as_they_are(moto_stack: EmulatedStack) -> None:
    whole = {"PK": {"S": "PROJECT#p1"}, "SK": {"S": "CONSTRAINT#1"}, "reportDate": {"S": "2025-03-03"}}
    undated = {"PK": {"S": "PROJECT#p1"}, "SK": {"S": "CONSTRAINT#2"}, "project_id": {"S": "p1"}}
    stray = {"PK": {"S": "STRAY"}, "SK": {"S": "CONSTRAINT#3"}, "report_date": {"S": "2025-03-03"}}
    moto_stack.create("constraints", [whole, undated, stray])
    counts = run(moto_stack, "constraints")
    items = moto_stack.items("constraints")
    assert dict(counts.violations) == {"no reportDate": 1, "no projectId, and PK is not PROJECT#<id>": 1}
    assert items[("PROJECT#p1", "CONSTRAINT#2")] == undated
    assert items[("STRAY", "CONSTRAINT#3")] == stray


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"N": "7"}, "status is not a string"),
        ({"S": ""}, "status is an empty string"),
        ({"S": "x" * 2049}, "status is longer than 2048 bytes"),
    ],
    ids=["number", "empty", "long"],
)
def test_a_value_that_can_be_no_index_key_is_counted_and_never_mended(
    moto_stack: EmulatedStack, value: dict[str, Any], reason: str
) -> None:
    odd = {**report(1, timestamp="2025-01-01"), "status": value}
    moto_stack.create("reports", [odd, report(2)])
    counts = run(moto_stack, "reports")
    assert dict(counts.violations) == {reason: 1}
    assert moto_stack.items("reports")[("REPORT#00001", "METADATA")] == odd


def test_an_item_near_the_size_limit_is_reported_and_not_changed(moto_stack: EmulatedStack) -> None:
    # moto draws the line at 405,000 bytes, and applies what fits before it refuses: so nothing must fit.
    large = report(1, body="x" * 404_965)
    moto_stack.create("reports", [large])
    counts = run(moto_stack, "reports")
    assert dict(counts.violations) == {"would grow past 400 KB": 1}
    assert moto_stack.items("reports")[("REPORT#00001", "METADATA")] == large


def test_what_keeps_appearing_without_its_attributes_is_reported_as_remaining(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1)])
    number = iter(range(2, 100))

    def application(key: dict[str, Any]) -> None:
        moto_stack.client.put_item(TableName=physical, Item=report(next(number)))

    counts = run(moto_stack, "reports", Interposed(moto_stack.client, application))
    assert counts.remaining > 0
    assert counts.passes == 3


def test_an_item_that_is_always_in_use_is_not_counted_as_done(moto_stack: EmulatedStack) -> None:
    physical = moto_stack.create("reports", [report(1)])
    number = iter(range(10_000))

    def application(key: dict[str, Any]) -> None:
        moto_stack.client.put_item(TableName=physical, Item=report(1, createdAt=f"2025-{next(number):05}"))

    counts = run(moto_stack, "reports", Interposed(moto_stack.client, application))
    assert (counts.changed, counts.remaining) == (0, 1)


def test_an_item_with_two_faults_counts_once(moto_stack: EmulatedStack) -> None:
    moto_stack.create("constraints", [{"PK": {"S": "STRAY"}, "SK": {"S": "CONSTRAINT#1"}}])
    counts = run(moto_stack, "constraints")
    assert (counts.violating, counts.violations.total()) == (1, 2)


def test_a_record_with_an_impossible_time_is_no_record(moto_stack: EmulatedStack) -> None:
    keys = ["HISTORY#r1#9999-12-31T23:59:59-05:00", "HISTORY#20250909", "HISTORY#r1#2025-02-02T00:00:00Z"]
    records = [{"PK": {"S": "PERSON#1"}, "SK": {"S": key}} for key in keys]
    moto_stack.create("personnel", [{"PK": {"S": "PERSON#1"}, "SK": {"S": "PROFILE"}}, *records])
    run(moto_stack, "personnel")
    assert moto_stack.items("personnel")[("PERSON#1", "PROFILE")]["dateLastSeen"] == {"S": "2025-02-02"}


def test_a_writer_that_would_overwrite_is_refused_before_it_touches_an_item(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    work = assembly(moto_stack, "reports")
    with pytest.raises(Refused) as refused:
        probe(moto_stack.client, Ledger(moto_stack.client, moto_stack.config).table, "batched", work.retry, "do so")
    assert "it overwrites an attribute that the application has set" in refused.value.why
    assert refused.value.next == "do so"
    assert list(moto_stack.items("reports").values()) == [report(1)]
    ledger = Ledger(moto_stack.client, moto_stack.config)
    assert list(ledger.records("PROBE")) == []
    probe(moto_stack.client, ledger.table, "single", work.retry, "")


def test_what_the_guard_refuses_is_not_written(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    ledger = Ledger(moto_stack.client, moto_stack.config)
    ledger.create()

    def lost() -> None:
        raise LeaseLost("This run has lost its lease on the stack.")

    once = dynamodb_once(moto_stack.config)
    options = Options(writer="single")
    work = Assembly(once, target(moto_stack, "reports"), ledger, options, guard=lost)
    with pytest.raises(LeaseLost):
        work.run(CLOCK)
    assert list(moto_stack.items("reports").values()) == [report(1)]


@pytest.mark.parametrize("table", ["reports", "personnel", "vendors", "constraints"])
def test_a_dry_run_counts_what_the_backfill_then_changes_and_writes_nothing(
    moto_stack: EmulatedStack, table: str
) -> None:
    moto_stack.create(table, [item for number, item in enumerate(before_migration()[table]()) if number < 300])
    before = moto_stack.items(table)
    survey = assembly(moto_stack, table, Options(writer="single")).dry_run(CLOCK)
    assert moto_stack.items(table) == before
    ledger = Ledger(moto_stack.client, moto_stack.config)
    assert [*ledger.records(f"BACKFILL#{table}"), *ledger.records(f"JOURNAL#{table}")] == []
    counts = run(moto_stack, table)
    assert survey.counts.remaining == counts.changed
    assert survey.counts.violations == counts.violations
    after = moto_stack.items(table)
    for example in survey.examples:
        key = json.loads(example["key"])
        found = after[key["PK"]["S"], key["SK"]["S"]]
        assert {name: found[name]["S"] for name in example["values"]} == example["values"]
