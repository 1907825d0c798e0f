"""Each code of the lint: what it finds, and what it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stack.lint.finding import Rule, Severity
from stack.lint.rules.every import RULES
from tests.lint_examples import EXAMPLES, GOOD, PLAIN, Case

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = (CHECKOUT / "docs" / "lint.md").read_text(encoding="utf-8")
LOCAL = GOOD.replace(
    "config:\n", "config:\n  aws:endpoints: [{dynamodb: 'http://127.0.0.1:1', sts: 'http://127.0.0.1:1'}]\n"
)


def test_nothing_is_found_in_the_plain_case_that_the_examples_change(tmp_path: Path) -> None:
    assert Case().found(tmp_path) == []


@pytest.mark.parametrize("code", EXAMPLES)
def test_a_code_finds_its_bad_example(tmp_path: Path, code: str) -> None:
    found = EXAMPLES[code].bad.found(tmp_path)
    assert tuple(subject for each, subject in found if each == code) == EXAMPLES[code].subjects


@pytest.mark.parametrize("code", EXAMPLES)
def test_a_code_does_not_find_its_good_example(tmp_path: Path, code: str) -> None:
    assert code not in [each for each, _ in EXAMPLES[code].good.found(tmp_path)]


def test_every_code_has_an_example_and_is_named_once_in_order() -> None:
    codes = [rule.code for rule in RULES]
    assert sorted(codes) == sorted(set(codes)) == list(EXAMPLES)
    assert codes[-1] == "L119", "it goes by what all others find"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_code_has_its_section_in_the_docs(rule: Rule) -> None:
    heading = re.search(rf"^### {rule.code}$", DOCS, re.MULTILINE)
    assert heading, f"docs/lint.md has no section {rule.code}"
    assert DOCS[heading.end() :].startswith(f"\n\n*{rule.title}* · {rule.severity}\n\n")


def test_the_docs_have_no_section_of_another_code() -> None:
    assert re.findall(r"^### (.*)$", DOCS, re.MULTILINE) == sorted(rule.code for rule in RULES)


def test_a_stack_on_an_emulator_is_not_asked_how_it_is_run(tmp_path: Path) -> None:
    text = LOCAL + "  shop:lateWriters: {minutes: 0, leastWrites: 0}\n  shop:quietMinutes: 0\n"
    assert Case(text=text, stack="local").found(tmp_path) == []


def test_only_what_is_surely_wrong_is_an_error() -> None:
    assert [rule.code for rule in RULES if rule.severity is Severity.ERROR] == [
        "L010",
        "L013",
        "L017",
        "L020",
        "L103",
        "L114",
        "L117",
    ]


@pytest.mark.parametrize("stack", ["prod", "prod-eu", "production"])
def test_production_is_told_by_the_stack_s_name(tmp_path: Path, stack: str) -> None:
    assert Case(stack=stack).found(tmp_path) == [("L110", "brownOutMinutes"), ("L120", "promotesFrom")]


@pytest.mark.parametrize("stack", ["product-test", "preprod", "staging"])
def test_another_name_is_not_production(tmp_path: Path, stack: str) -> None:
    assert Case(PLAIN, stack=stack).found(tmp_path) == []


def test_an_access_key_is_found_wherever_it_stands(tmp_path: Path) -> None:
    text = GOOD + "  datadog:keys:\n    - id: AKIAIOSFODNN7EXAMPLE\n"
    assert Case(text=text).found(tmp_path) == [("L114", "datadog:keys")]
