"""Items that could not enter the new index: planted everywhere, found all of them, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backfills.items.target import needing_work
from backfills.run.assembly import Options
from dynamo.reader import Reader
from tests.backfilling import CLOCK, assembly, target
from tests.conftest import EmulatedStack

SEGMENTS = 4
PAGE_ITEMS = 10
PLANTED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "wrong type": ({"project_id": {"N": "7"}}, ["project_id is not a string"]),
    "empty": ({"report_date": {"S": ""}}, ["report_date is an empty string"]),
    "long partition key": ({"project_id": {"S": "x" * 2049}}, ["project_id is longer than 2048 bytes"]),
    "long sort key": ({"report_date": {"S": "é" * 513}}, ["report_date is longer than 1024 bytes"]),
    "source of a wrong type": ({"reportDate": {"NULL": True}}, ["reportDate is not a string"]),
    "empty source": ({"projectId": {"S": ""}}, ["projectId is an empty string"]),
    "long source": ({"projectId": {"S": "x" * 2049}}, ["project_id is longer than 2048 bytes"]),
    "no source": ({"reportDate": None}, ["no reportDate"]),
    "two at once": (
        {"projectId": {"BOOL": True}, "reportDate": None},
        ["projectId is not a string", "no reportDate"],
    ),
    "too large": ({"body": {"S": "x" * (400 * 1024 - 80)}}, ["would grow past 400 KB"]),
}
FINE: list[dict[str, Any]] = [
    {"project_id": {"S": "x" * 2048}},
    {"report_date": {"S": "é" * 512}},
    {"projectId": {"S": "x" * 2048}, "reportDate": {"S": "y" * 1024}},
    {},
]


def constraint(number: int, **attributes: Any) -> dict[str, Any]:
    plain = {"projectId": {"S": "p"}, "reportDate": {"S": "2025-01-01"}, **attributes}
    key = {"PK": {"S": f"PROJECT#{number % 37}"}, "SK": {"S": f"CONSTRAINT#{number:04}"}}
    return {**key, **{name: value for name, value in plain.items() if value is not None}}


def borders(stack: EmulatedStack) -> list[int]:
    """The numbers of the items that begin or end a page or a segment."""
    found: list[int] = []
    constraints = target(stack, "constraints")
    reader = Reader.paced(stack.client, constraints.table)
    for segment in range(SEGMENTS):
        for page in reader.scan(needing_work(constraints), segment, SEGMENTS, most_a_page=PAGE_ITEMS):
            numbers = [int(item["SK"]["S"].removeprefix("CONSTRAINT#")) for item in page.items]
            found += [numbers[0], numbers[-1]] if numbers else []
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("writer", ["batched", "single"])
def test_all_planted_violations_are_found_and_nothing_else(
    dynamodb_local: EmulatedStack, tmp_path: Path, writer: str
) -> None:
    physical = dynamodb_local.create("constraints", [constraint(number) for number in range(200)])
    places = borders(dynamodb_local)
    assert len(places) > 2 * len(PLANTED)
    expected: dict[str, list[str]] = {}
    before: dict[str, dict[str, Any]] = {}
    for number, place in enumerate(places):
        attributes, reasons = list(PLANTED.values())[number % len(PLANTED)]
        item = constraint(place, **attributes)
        before[item["SK"]["S"]] = item
        expected[item["SK"]["S"]] = sorted(reasons)
        dynamodb_local.client.put_item(TableName=physical, Item=item)
    for number in set(range(200)) - set(places):
        item = constraint(number, **FINE[number % len(FINE)])
        dynamodb_local.client.put_item(TableName=physical, Item=item)

    file = tmp_path / "violations.jsonl"
    options = Options(writer=writer, segments=SEGMENTS, page_items=PAGE_ITEMS)
    dry = assembly(dynamodb_local, "constraints", options).dry_run(CLOCK)
    result = assembly(dynamodb_local, "constraints", options).run(CLOCK, file)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {line["key"]["SK"]["S"]: sorted(line["reasons"]) for line in lines} == expected
    assert len(lines) == len(places) == result.counts.violating
    assert result.counts.violations.total() == sum(len(reasons) for reasons in expected.values())
    # What would grow too large is known to the server alone: a dry run does not write.
    too_large = result.counts.violations["would grow past 400 KB"]
    assert dry.counts.violations.total() == result.counts.violations.total() - too_large
    for item in dynamodb_local.items("constraints").values():
        planted = before.get(item["SK"]["S"])
        if planted is None:
            assert {"project_id", "report_date"} <= set(item)
        else:
            assert {name: item[name] for name in planted} == planted


def test_hot_values_of_a_new_partition_key_are_measured(dynamodb_local: EmulatedStack) -> None:
    common = [constraint(number, projectId={"S": "big"}) for number in range(60)]
    rare = [constraint(number, projectId={"S": f"p{number}"}) for number in range(60, 100)]
    dynamodb_local.create("constraints", [*common, *rare])
    work = assembly(dynamodb_local, "constraints")
    for found in (work.dry_run(CLOCK).spreads, work.run(CLOCK).spreads):
        (spread,) = found
        assert (spread.index, spread.attribute, spread.items) == ("GSI3-ProjectDateIndex", "project_id", 100)
        assert spread.top[0] == ("big", 0.6)
        assert spread.hottest == 0.6
