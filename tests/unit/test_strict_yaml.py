"""How a stack file's YAML is read."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime
from typing import Any

import pytest
from ruamel.yaml.error import YAMLError

from stack.file.strict_yaml import read

FAULTS = {
    "a key twice": ("a: 1\na: 2\n", "this key appears twice", "line 2, column 1"),
    "a key twice, once in quotes": ('a: 1\n"a": 2\n', "this key appears twice", "line 2, column 1"),
    "a key twice in a list": ("x:\n  - {b: 1, b: 2}\n", "this key appears twice", "line 2, column 12"),
    "one truth in two words": ("yes: 1\ntrue: 2\n", "this key appears twice", "line 2, column 1"),
    "two merges": ("a: &A {b: 1}\nc:\n  <<: *A\n  <<: *A\n", "this key appears twice", "line 4, column 3"),
    "a date that does not exist": ("a: 2025-13-01\n", "month must be in 1..12", ""),
    "a number that is none": ("a: !!int x\n", "invalid literal for int()", ""),
    "lists too deep": ("[" * 5000, "it is nested too deeply", ""),
    "maps too deep": ("{a: " * 5000, "it is nested too deeply", ""),
    "two documents": ("a: 1\n---\na: 2\n", "expected a single document", "line 2, column 1"),
    "code": ('a: !!python/object/apply:os.system ["true"]\n', "could not determine a constructor", "line 1, column 4"),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("on", True),
        ("true", True),
        ("off", False),
        ('"yes"', "yes"),
        ("2025-11-04", date(2025, 11, 4)),
        ("2025-11-04T09:30:00Z", datetime(2025, 11, 4, 9, 30, tzinfo=UTC)),
        ('"2025-11-04"', "2025-11-04"),
        ("1e3", 1000.0),
        ("~", None),
        ("&A {b: 1, c: 2}", {"b": 1, "c": 2}),
    ],
)
def test_a_value_is_read_as_stack_files_mean_it(text: str, value: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read(f"a: {text}\n")
    assert found == {"a": value}
    assert isinstance(found["a"], type(value))


def test_a_map_overrides_what_it_merges() -> None:
    base = "base: &A {b: 1, c: 2}\n"
    merged = {"base": {"b": 1, "c": 2}, "own": {"b": 3, "c": 2}}
    assert read(f"{base}own:\n  <<: *A\n  b: 3\n") == merged
    assert read(f"{base}own:\n  b: 3\n  <<: *A\n") == merged


@pytest.mark.parametrize(("text", "what", "where"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_place_and_without_advice(text: str, what: str, where: str) -> None:
    with pytest.raises(YAMLError) as refused:
        read(text)
    said = str(refused.value)
    assert what in said
    assert where in said
    assert "suppress" not in said


def test_no_text_is_nothing() -> None:
    assert read("") is None
