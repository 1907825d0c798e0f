"""The rules of the policy pack, one by one; tests/e2e/test_policy_pack.py has the engine ask them."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from dynamodb_rules import (
    Options,
    Rule,
    deletion_protection,
    expected,
    index_stays_until_deleted,
    kept,
    no_inline_index,
    recovery,
    stream,
    tags,
    unknown,
)

PACK = Path(__file__).resolve().parents[2] / "policy"
PROTECTED = Options(protect=True)
IMAGES = {"streamEnabled": True, "streamViewType": "NEW_AND_OLD_IMAGES"}
KEYS = {"streamEnabled": True, "streamViewType": "KEYS_ONLY"}
TEAM = {"required": ["Team", "Cost"]}


def found(rule: Rule, properties: dict[str, Any], options: Options, config: dict[str, Any]) -> list[str]:
    """The first words of each violation."""
    return [" ".join(text.split()[:5]) for text in rule(properties, options, config)]


@pytest.mark.parametrize(
    ("rule", "properties", "options", "config", "violations"),
    [
        (kept, {}, PROTECTED, {}, []),
        (kept, {}, Options(), {}, ["The table is not protected,"]),
        (kept, {}, Options(protect=True, delete_before_replace=True), {}, ["The table would be deleted"]),
        (deletion_protection, {"deletionProtectionEnabled": True}, PROTECTED, {}, []),
        (deletion_protection, {"deletionProtectionEnabled": False}, PROTECTED, {}, ["Deletion protection is off. Set"]),
        (deletion_protection, {}, PROTECTED, {}, ["Deletion protection is off. Set"]),
        (
            deletion_protection,
            {"deletionProtectionEnabled": True},
            Options(ignored=("deletionProtectionEnabled",)),
            {},
            ["Changes of deletionProtectionEnabled are ignored,"],
        ),
        (recovery, {"pointInTimeRecovery": {"enabled": True}}, PROTECTED, {}, []),
        (recovery, {"pointInTimeRecovery": {"enabled": False}}, PROTECTED, {}, ["Point-in-time recovery is off. Set"]),
        (recovery, {}, PROTECTED, {}, ["Point-in-time recovery is off. Set"]),
        (
            recovery,
            {"pointInTimeRecovery": {"enabled": True}},
            Options(ignored=("pointInTimeRecovery.enabled",)),
            {},
            ["Changes of pointInTimeRecovery are ignored,"],
        ),
        (stream, IMAGES, PROTECTED, {}, []),
        (stream, KEYS, PROTECTED, {}, ["The stream's view type is"]),
        (stream, KEYS, PROTECTED, {"viewTypes": ["NEW_IMAGE", "KEYS_ONLY"]}, []),
        (stream, {**IMAGES, "streamEnabled": False}, PROTECTED, {}, ["The stream is off. Set"]),
        (stream, {}, PROTECTED, {}, ["The stream is off. Set"]),
        (no_inline_index, {}, PROTECTED, {}, []),
        (no_inline_index, {"globalSecondaryIndexes": []}, PROTECTED, {}, []),
        (
            no_inline_index,
            {"globalSecondaryIndexes": [{"name": "ByDay"}, {"name": "ByHour"}]},
            PROTECTED,
            {},
            ["The table declares indexes inline:"],
        ),
        (
            no_inline_index,
            {},
            Options(ignored=("globalSecondaryIndexes[0].readCapacity",)),
            {},
            ["Changes of globalSecondaryIndexes are ignored,"],
        ),
        (tags, {}, PROTECTED, {}, []),
        (tags, {"tags": {"Team": "a", "Cost": "b"}}, PROTECTED, TEAM, []),
        (tags, {"tags": {"Team": "a"}, "tagsAll": {"Cost": "b"}}, PROTECTED, TEAM, []),
        (tags, {"tags": {"Team": "a", "Cost": ""}}, PROTECTED, TEAM, ["Tags are missing: Cost."]),
        (tags, {}, PROTECTED, TEAM, ["Tags are missing: Team, Cost."]),
        (tags, {}, Options(ignored=("tags",)), TEAM, []),
        (tags, {}, Options(ignored=("tags",)), {**TEAM, "exceptIgnored": False}, ["Tags are missing: Team, Cost."]),
        (index_stays_until_deleted, {}, Options(), {}, []),
        (index_stays_until_deleted, {}, Options(delete_before_replace=True), {}, ["The index would be deleted"]),
    ],
)
def test_a_rule_finds_what_is_wrong_and_nothing_else(
    rule: Rule, properties: dict[str, Any], options: Options, config: dict[str, Any], violations: list[str]
) -> None:
    assert found(rule, properties, options, config) == violations


def test_tables_and_indexes_that_are_expected_have_to_be_declared() -> None:
    config = {"tables": ["orders", "carts"], "indexes": ["orders/ByDay", "orders/ByHour", "carts/ByDay"]}
    told = expected({"orders"}, {("orders", "ByDay"), ("", "ByHour")}, config)
    assert [text.partition(" is not")[0] for text in told] == [
        "Table carts",
        "Index orders/ByHour",
        "Index carts/ByDay",
    ]
    assert list(expected((), (), {})) == []


def test_configuration_that_a_policy_does_not_have_is_a_violation() -> None:
    assert list(unknown({"viewTypes": [], "viewType": []}, ["viewTypes"])) == [
        "The policy has no configuration viewType. It has: viewTypes."
    ]
    assert list(unknown({"a": 1}, None)) == ["The policy has no configuration a. It has: none."]
    assert list(unknown({}, None)) == []


def test_an_ignored_property_is_told_from_one_with_a_longer_name() -> None:
    assert not Options(ignored=("tagsAll", "streamViewType")).ignores("tags")


def test_the_pack_imports_nothing_but_pulumi_policy_and_itself() -> None:
    imported: set[str] = set()
    for path in PACK.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"pulumi_policy", "dynamodb_rules"}


def test_the_readme_lists_every_policy_in_order() -> None:
    program = (PACK / "__main__.py").read_text(encoding="utf-8")
    named = re.findall(r'(?:of_resource\(|name=)\s*"([a-z-]+)"', program.partition("POLICIES")[2])
    readme = (PACK / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", readme, re.MULTILINE) == named
    assert len(named) == 8


def test_every_requirement_of_the_pack_is_pinned_and_hashed() -> None:
    lines = (PACK / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith((" ", "#"))]
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+ \\", line) for line in pinned), pinned
    assert "pulumi-policy==1.21.0 \\" in pinned
    assert sum("--hash=sha256:" in line for line in lines) > len(pinned)
