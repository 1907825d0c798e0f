"""What Pulumi's events say of a change, property by property: old and new values, and nothing secret."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation.events import StepEventMetadata

from migration.engine.differences import LONGEST, SECRET, UNKNOWN, at, differences
from stack.allowed_changes import ValueChange
from stack.world.managed import ALARM_TYPE, INDEX_TYPE, TABLE_TYPE

HIDDEN = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}


def changed(op: str = "update", type: str = TABLE_TYPE, **event: Any) -> list[ValueChange]:
    urn = f"urn:pulumi:prod::things::{type}::reports"
    metadata = StepEventMetadata.from_json({"op": op, "urn": urn, "type": type, "provider": "", **event})
    return list(differences(op, metadata, lambda text: text.replace("hush", "[masked]")))


def test_a_property_of_the_program_is_shown_as_it_was_and_will_be() -> None:
    old = {"inputs": {}, "outputs": {"deletionProtectionEnabled": False}}
    new = {"inputs": {"deletionProtectionEnabled": True}}
    assert changed(old=old, new=new, diffs=["deletionProtectionEnabled"]) == [
        ValueChange("deletionProtectionEnabled", False, True)
    ]


def test_the_detailed_difference_names_paths() -> None:
    old = {"inputs": {"tags": {"a.b": "1"}}, "outputs": {"tags": {"a.b": "2"}, "ttl": {"enabled": False}}}
    new = {"inputs": {"tags": {"a.b": "3"}, "ttl": {"enabled": True}}}
    detail = {
        'tags["a.b"]': {"diffKind": "update", "inputDiff": True},
        "ttl.enabled": {"diffKind": "update", "inputDiff": False},
    }
    assert changed(old=old, new=new, diffs=["tags", "ttl"], detailedDiff=detail) == [
        ValueChange('tags["a.b"]', "1", "3"),
        ValueChange("ttl.enabled", False, True),
    ]


def test_what_aws_computes_is_not_known() -> None:
    old = {"inputs": {}, "outputs": {"streamArn": "arn:old"}}
    assert changed(old=old, new={"inputs": {}}, diffs=["streamArn"]) == [ValueChange("streamArn", "arn:old", UNKNOWN)]
    later = {"inputs": {"topic": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}
    assert changed(old=old, new=later, diffs=["topic"]) == [ValueChange("topic", None, UNKNOWN)]


def test_a_secret_is_not_shown_nor_what_the_stack_keeps_secret() -> None:
    old = {"inputs": {"endpoint": HIDDEN}, "outputs": {}}
    new = {"inputs": {"endpoint": ["hush", {"x": HIDDEN}]}}
    assert changed(old=old, new=new, diffs=["endpoint"]) == [
        ValueChange("endpoint", SECRET, ["[masked]", {"x": SECRET}])
    ]


def test_a_long_text_is_cut() -> None:
    (one,) = changed(old={"inputs": {}, "outputs": {}}, new={"inputs": {"body": "x" * 60_000}}, diffs=["body"])
    assert one.new == f"{'x' * LONGEST}… (60,000 characters)"


@pytest.mark.parametrize(("op", "side"), [("create", "new"), ("delete", "old")])
def test_an_index_that_comes_or_goes_is_shown_whole(op: str, side: str) -> None:
    state = {"inputs": {"indexName": "GSI1", "hashKey": "a", "__defaults": []}, "outputs": {"arn": "x"}}
    found = changed(op, INDEX_TYPE, **{side: state})
    assert [(one.name, getattr(one, side)) for one in found] == [("hashKey", "a"), ("indexName", "GSI1")]
    assert changed(op, ALARM_TYPE, **{side: state}) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": [{"c": 1}]}),
        ("a.b", [{"c": 1}]),
        ("a.b[0].c", 1),
        ("a.b[7].c", None),
        ('["x.y"]', 2),
        ('["q\\"r"]', 3),
        ("a.b.c", None),
        ("missing", None),
    ],
)
def test_a_path_is_followed(path: str, value: object) -> None:
    assert at({"a": {"b": [{"c": 1}]}, "x.y": 2, 'q"r': 3}, path) == value
