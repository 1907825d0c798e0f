"""Every member of what DescribeTable may answer is decided about: understood, harmless, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from stack.world.inventory import INVENTORY, NOT_KNOWN, Refusal, refusals

UNUSABLE = "InaccessibleEncryptionDateTime"
UNDECIDED = "decide about it in stack/world/inventory.py"


def described() -> StructureShape:
    model = botocore.session.get_session().get_service_model("dynamodb")
    found = model.shape_for("TableDescription")
    assert isinstance(found, StructureShape)
    return found


def inner(shape: Shape) -> Shape:
    """What a list or map is made of, however deep."""
    while isinstance(shape, ListShape | MapShape):
        shape = shape.member if isinstance(shape, ListShape) else shape.value
    return shape


@cache
def structures() -> Mapping[str, StructureShape]:
    """Every structure that an answer may hold, by its name in botocore's model."""
    found: dict[str, StructureShape] = {}

    def walk(shape: StructureShape) -> None:
        if shape.name not in found:
            found[shape.name] = shape
            for member in shape.members.values():
                below = inner(member)
                if isinstance(below, StructureShape):
                    walk(below)

    walk(described())
    return found


def enumerated() -> Iterator[tuple[str, str, set[str]]]:
    """Shape, member and values of each enumerated member that the inventory reads the values of."""
    for name, shape in structures().items():
        for member in INVENTORY[name].values:
            yield name, member, set(shape.members[member].enum)  # type: ignore[attr-defined]


def minimal(**members: object) -> dict[str, object]:
    return {"TableName": "things", "TableStatus": "ACTIVE", **members}


def test_every_structure_of_an_answer_is_in_the_inventory_and_no_other() -> None:
    assert set(structures()) == set(INVENTORY), UNDECIDED


@pytest.mark.parametrize("name", sorted(structures()))
def test_every_member_is_on_exactly_one_list(name: str) -> None:
    known = INVENTORY[name]
    lists = [*known.understood, *known.harmless, *known.refused]
    assert sorted(lists) == sorted(structures()[name].members), UNDECIDED


@pytest.mark.parametrize("name", sorted(structures()))
def test_every_structure_below_a_member_is_looked_into(name: str) -> None:
    below = {member: inner(shape) for member, shape in structures()[name].members.items()}
    assert INVENTORY[name].nested == {
        member: shape.name for member, shape in below.items() if isinstance(shape, StructureShape)
    }


@pytest.mark.parametrize(("name", "member", "values"), [pytest.param(*one, id=one[1]) for one in enumerated()])
def test_every_value_is_understood_or_refused(name: str, member: str, values: set[str]) -> None:
    known = INVENTORY[name]
    refused = {said.partition("=")[2] for said in known.refused_values if said.startswith(f"{member}=")}
    assert known.values[member] | refused == values, UNDECIDED
    assert known.values[member] & refused == set()


@pytest.mark.parametrize("name", sorted(structures()))
def test_the_values_of_every_enumerated_member_that_is_understood_are_decided_about(name: str) -> None:
    """A new index status, billing mode or key type may mean anything."""
    understood = INVENTORY[name].understood
    with_values = {
        member for member, shape in structures()[name].members.items() if getattr(shape, "enum", None)
    } & understood
    assert with_values <= set(INVENTORY[name].values), UNDECIDED


@pytest.mark.parametrize(
    ("members", "refused"),
    [
        (minimal(NewThing="x"), {"NewThing": NOT_KNOWN}),
        (minimal(NewThing=False), {"NewThing": NOT_KNOWN}),
        (minimal(NewThing=0), {"NewThing": NOT_KNOWN}),
        (minimal(NewThing=[], OtherThing=None, Third={}), {}),
        (minimal(GlobalSecondaryIndexes=[{"IndexName": "a", "Odd": 1}]), {"GlobalSecondaryIndexes[].Odd": NOT_KNOWN}),
        (minimal(SSEDescription={"Odd": 1}), {"SSEDescription.Odd": NOT_KNOWN}),
        (minimal(TableStatus="RESHARDING"), {"TableStatus=RESHARDING": NOT_KNOWN}),
        (
            minimal(GlobalSecondaryIndexes=[{"KeySchema": [{"AttributeName": "a", "KeyType": "FILTER"}]}]),
            {"GlobalSecondaryIndexes[].KeySchema[].KeyType=FILTER": NOT_KNOWN},
        ),
    ],
)
def test_what_nobody_has_decided_about_is_refused_by_its_name(members: dict[str, Any], refused: dict[str, str]) -> None:
    assert {found.path: found.why for found in refusals(members)} == refused


@pytest.mark.parametrize(
    ("members", "path"),
    [
        (minimal(VectorIndexes=[{"IndexName": "embeddings"}]), "VectorIndexes"),
        (minimal(GlobalTableWitnesses=[{"RegionName": "us-west-2"}]), "GlobalTableWitnesses"),
        (minimal(MultiRegionConsistency="STRONG"), "MultiRegionConsistency=STRONG"),
        (minimal(ArchivalSummary={"ArchivalReason": "key"}), "ArchivalSummary"),
        (
            minimal(SSEDescription={"InaccessibleEncryptionDateTime": 1.0}),
            "SSEDescription.InaccessibleEncryptionDateTime",
        ),
        (minimal(TableStatus="ARCHIVED"), "TableStatus=ARCHIVED"),
    ],
)
def test_what_is_known_and_not_migrated_is_refused_with_its_reason(members: dict[str, Any], path: str) -> None:
    (found,) = refusals(members)
    assert found.path == path
    assert found.why not in {"", NOT_KNOWN}


def test_a_table_that_once_was_a_global_one_is_not_refused() -> None:
    once = minimal(GlobalTableVersion="2019.11.21", Replicas=[], MultiRegionConsistency="EVENTUAL")
    assert list(refusals(once)) == list[Refusal]()
