"""Shadow reads over the AWS protocol: equal answers are equal, and each planted difference is found and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from dynamo.reader import Reader
from migration.shadow.answers import Kind
from migration.shadow.reads import shadow_reads
from migration.shadow.result import ShadowResult
from schema.errors import Interrupted
from schema.model import AccessPattern
from schema.parts import AttributeType, Projection, ProjectionType
from schema.references import IndexRef
from stack.ledger.ledger import Ledger
from stack.ledger.records import ShadowProof
from tests.conftest import EmulatedStack
from tests.shadowing import MEETINGS, Shadowed, Silent, Tampered, by_room, meeting

Items = list[dict[str, Any]]
VICTIM = "MEETING#7 / 00007"


@pytest.fixture(autouse=True)
def little_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays different is known in half a second: moto's indexes never lag."""
    monkeypatch.setattr("migration.shadow.reads.INDEX_LAG_SECONDS", 0.5)


def differences(result: ShadowResult) -> dict[str, Any]:
    """Of the one access pattern: how many items differ in each way."""
    (read,) = result.reads
    return {kind: difference.count for kind, difference in read.differences.items()}


def examples(result: ShadowResult, kind: Kind) -> list[str]:
    (read,) = result.reads
    return read.differences[kind].examples


def test_an_index_that_answers_like_its_table_is_equal(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number, room=f"room {number % 3}") for number in range(90)])
    result = shadowed.read()
    (read,) = result.reads
    assert (result.equal, result.scanned, read.values, read.items, read.equal) == (True, 90, 3, 90, 90)
    assert result.summary == "90 items under 3 partition key values agree"
    assert result.read_units > 0


def test_an_empty_table_is_equal(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([])
    assert (shadowed.read().equal, shadowed.read().summary) == (True, "0 items under 0 partition key values agree")


def test_more_items_than_are_compared_are_equal_from_both_ends(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(1200)])
    (read,) = shadowed.read().reads
    assert (read.items, read.equal, dict(read.differences)) == (1000, 1000, {})


def test_more_items_of_one_sort_key_than_are_compared_are_equal(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number, starts={"S": "noon"}) for number in range(700)])
    result = shadowed.read()
    (read,) = result.reads
    assert (result.equal, read.equal == read.items >= 500, dict(read.differences)) == (True, True, {})


def test_an_index_without_a_sort_key_has_no_order_to_keep(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack, by_room(None))
    shadowed.create([meeting(number) for number in range(20)])
    result = shadowed.read(client=Tampered(moto_stack.client, lambda items, _: items[::-1]))
    assert (result.equal, differences(result)) == (True, {})


def test_each_access_pattern_is_read_as_it_narrows(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number, starts={"S": f"{2020 + number % 4}-{number:03}"}) for number in range(40)])
    result = shadowed.read(
        AccessPattern("a room's meetings", "meetings", "ByRoom"),
        AccessPattern("a room's year", "meetings", "ByRoom", sort_key_prefix="2021-"),
        AccessPattern("by number", "meetings"),
        AccessPattern("of another table", "tables", "ByRoom"),
    )
    assert {read.pattern.name: (read.items, read.equal) for read in result.reads} == {
        "a room's meetings": (40, 40),
        "a room's year": (10, 10),
    }


def test_items_that_do_not_belong_in_the_index_are_explained(moto_stack: EmulatedStack) -> None:
    without = meeting(1)
    del without["starts"]
    shadowed = Shadowed(moto_stack)
    shadowed.create([without, meeting(2), meeting(3)])
    result = shadowed.read()
    assert (result.equal, result.facts()["outside"]) == (
        True,
        {"missing key": {"count": 1, "examples": []}},
    )
    assert result.summary == "2 items under 1 partition key values agree; explained: 1 × missing key"


def test_attributes_that_the_index_does_not_copy_are_explained(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack, by_room(projection=Projection(ProjectionType.KEYS_ONLY)))
    shadowed.create([meeting(1), meeting(2, title={"S": "long"})])
    result = shadowed.read()
    assert (result.equal, differences(result)) == (True, {Kind.PROJECTION: 1})
    assert result.reads[0].equal == 2


def without_seven(items: Items, _: int) -> Items:
    return [item for item in items if item["SK"]["S"] != "00007"]


def seven_first(items: Items, _: int) -> Items:
    return sorted(items, key=lambda item: item["SK"]["S"] != "00007")


def renamed_seven(items: Items, _: int) -> Items:
    return [{**item, "title": {"S": "another"}} if item["SK"]["S"] == "00007" else item for item in items]


def untitled_seven(items: Items, _: int) -> Items:
    return [
        {name: value for name, value in item.items() if (item["SK"]["S"], name) != ("00007", "title")} for item in items
    ]


def one_more(items: Items, _: int) -> Items:
    return [*items, meeting(40, title={"S": "planted"})] if items[-1]["SK"]["S"] == "00039" else items


def dropped_backwards(items: Items, _: int) -> Items:
    return without_seven(items, 0) if items[0]["SK"]["S"] == "00039" else items


@pytest.mark.parametrize(
    ("tamper", "kind", "victim"),
    [
        (without_seven, Kind.MISSING, VICTIM),
        (dropped_backwards, Kind.MISSING, VICTIM),
        (one_more, Kind.NOT_IN_TABLE, "MEETING#40 / 00040"),
        (renamed_seven, Kind.OTHER_ATTRIBUTES, VICTIM),
        (untitled_seven, Kind.OTHER_ATTRIBUTES, VICTIM),
    ],
)
def test_a_planted_difference_is_found_and_named(
    moto_stack: EmulatedStack, tamper: Callable[[Items, int], Items], kind: Kind, victim: str
) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number, title={"S": f"title {number}"}) for number in range(40)])
    result = shadowed.read(client=Tampered(moto_stack.client, tamper))
    assert (result.equal, differences(result), examples(result, kind)) == (False, {kind: 1}, [victim])
    assert f"1 × {kind}" in result.summary
    assert result.summary.endswith(f"such as {victim}")


def test_a_wrong_order_is_found_and_named(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])
    result = shadowed.read(client=Tampered(moto_stack.client, seven_first))
    assert not result.equal
    assert differences(result).keys() == {Kind.WRONG_ORDER}
    assert result.reads[0].equal == 40 - differences(result)[Kind.WRONG_ORDER]


def test_an_entry_that_stayed_under_its_old_key_is_found(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])

    def stale(items: Items, _: int) -> Items:
        moved = [{**item, "starts": {"S": "00000"}} for item in items if item["SK"]["S"] == "00007"]
        rest = without_seven(items, 0)
        return moved + rest if rest[0]["SK"]["S"] == "00000" else rest + moved

    result = shadowed.read(client=Tampered(moto_stack.client, stale))
    assert (differences(result), examples(result, Kind.OTHER_ATTRIBUTES)) == ({Kind.OTHER_ATTRIBUTES: 1}, [VICTIM])


def test_what_agrees_a_moment_later_is_lag(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])
    lagging = Tampered(moto_stack.client, lambda items, query: without_seven(items, 0) if query <= 4 else items)
    result = shadowed.read(client=lagging)
    assert (result.equal, differences(result), result.reads[0].equal) == (True, {Kind.LAG: 1}, 39)


def test_an_item_that_moves_all_the_time_is_lag(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])
    moves = iter(range(1000))

    def one_behind(items: Items, _: int) -> Items:
        moto_stack.client.put_item(TableName=shadowed.physical, Item=meeting(7, starts={"S": f"9{next(moves):04}"}))
        return items

    result = shadowed.read(client=Tampered(moto_stack.client, one_behind))
    assert (result.equal, differences(result)) == (True, {Kind.LAG: 1})


def test_an_item_that_the_index_lacks_is_not_excused_by_other_changes(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])
    titles = iter(range(1000))

    def changed(items: Items, _: int) -> Items:
        moto_stack.client.put_item(TableName=shadowed.physical, Item=meeting(7, title={"S": str(next(titles))}))
        return without_seven(items, 0)

    result = shadowed.read(client=Tampered(moto_stack.client, changed))
    assert (result.equal, differences(result)) == (False, {Kind.MISSING: 1})


def test_numbers_are_compared_by_value(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack, by_room(AttributeType.NUMBER))
    shadowed.create([meeting(number, starts={"N": str(10 - number)}) for number in range(21)])
    result = shadowed.read()
    assert (result.equal, result.reads[0].equal) == (True, 21)


def test_reading_stops_at_a_safe_point(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])
    asked = iter(range(1000))

    def stopped() -> None:
        if next(asked) == 3:
            raise Interrupted("Stopped.")

    reader = Reader.paced(moto_stack.client, shadowed.physical, safe_point=stopped)
    with pytest.raises(Interrupted):
        shadow_reads(reader, MEETINGS, MEETINGS.indexes[0], [], Silent())


def test_a_rate_makes_pages_small_and_changes_no_result(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(40)])
    paced, fast = shadowed.read(rate=1000.0), shadowed.read()
    assert {**paced.facts(), "read_units": 0} == {**fast.facts(), "read_units": 0}


def test_a_table_that_is_too_large_to_remember_is_scanned_twice_and_gives_the_same(
    moto_stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed = Shadowed(moto_stack)
    without = {name: value for name, value in meeting(99).items() if name != "room"}
    shadowed.create([without, *(meeting(number, room=f"room {number % 30}") for number in range(90))])
    once = shadowed.read()
    monkeypatch.setattr("migration.shadow.reads.MOST_REMEMBERED", 10)
    twice = shadowed.read()
    assert (twice.reads, twice.outside, twice.scanned) == (once.reads, once.outside, once.scanned)
    assert twice.read_units > once.read_units


def test_items_that_a_busy_table_does_not_answer_with_are_asked_for_again(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(number) for number in range(10)])

    class Busy:
        """Answers with half of the items asked for, and the first time with none."""

        asked: ClassVar[list[int]] = []

        def batch_get_item(self, RequestItems: Any, **parameters: Any) -> Any:  # noqa: N803  # boto3's name
            keys = RequestItems[shadowed.physical]["Keys"]
            self.asked.append(len(keys))
            half = keys[: len(keys) // 2 + 1] if len(self.asked) > 1 else keys[:0]
            rest = keys[len(half) :]
            unread: Any = {shadowed.physical: {"Keys": rest}} if rest else {}
            if not half:
                return {"Responses": {}, "UnprocessedKeys": unread, "ConsumedCapacity": []}
            wanted: Any = {shadowed.physical: {**RequestItems[shadowed.physical], "Keys": half}}
            answer = moto_stack.client.batch_get_item(RequestItems=wanted, **parameters)
            return {**answer, "UnprocessedKeys": unread}

        def __getattr__(self, name: str) -> Any:
            return getattr(moto_stack.client, name)

    result = shadowed.read(client=Busy())
    assert (result.equal, result.reads[0].equal, Busy.asked) == (True, 10, [10, 10, 4, 1])


def test_the_facts_can_stand_in_the_ledger(moto_stack: EmulatedStack) -> None:
    shadowed = Shadowed(moto_stack)
    shadowed.create([meeting(1), meeting(2)])
    ledger = Ledger(moto_stack.client, moto_stack.config)
    ledger.create()
    result = shadowed.read(client=Tampered(moto_stack.client, lambda items, _: items[:1]))
    facts, ref = result.facts(), IndexRef("meetings", "ByRoom")
    ledger.prove(ShadowProof(subject=ref, summary=result.summary, **facts))
    kept = ledger.proof(ShadowProof, ref)
    assert kept is not None
    assert {name: getattr(kept, name) for name in facts} == facts
