"""docs/runbook.md against the code: it quotes no error that there is not, and has every kind of error in its place."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from schema import errors
from schema.errors import ToolError
from tests.documents import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## Exit code (\d+): .*\n((?:(?!^## ).*\n)*)", RUNBOOK, flags=re.MULTILINE))
ROOMS = sorted(file.parent for file in ROOT.glob("*/__init__.py") if file.parent.name not in {"local", "benchmarks"})
KINDS = {
    name: kind.exit_code
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ToolError)
}
FAULTS = {"fault": "{}: {}.", "unknown_key": "{}: unknown {}."}
"""The functions that make a UsageError of a stack file, and what they make of their first two arguments."""
ANYTHING = ".+"
LEAST_LETTERS = 6
"""Of a text that is all names and numbers nothing can be said."""


def text(node: ast.expr) -> str:
    """A pattern of the text that an expression gives."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text(node.left) + text(node.right)
    return ANYTHING


@cache
def lines_of() -> dict[str, set[str]]:
    """The first lines of the errors that the code makes, as patterns, by the kind of error."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for call in (node for tree in sources() for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in KINDS and call.args:
            found[name].add(text(call.args[0]))
        elif name in FAULTS:
            first, second = [text(argument) for argument in call.args[:2]]
            made = re.escape(FAULTS[name]).replace(r"\{\}", "{}").format(first, second)
            found["UsageError"].add(made)
    return {kind: set(filter(says_something, lines)) for kind, lines in found.items()}


@cache
def written() -> list[str]:
    """Every text of the code, as a pattern: some errors are made of parts, and some lines are no errors."""
    nodes = [node for tree in sources() for node in ast.walk(tree) if isinstance(node, ast.expr)]
    texts = [text(node) for node in nodes if isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp)]
    entry = re.findall(r"'([^']+)'", (ROOT / "invoke").read_text(encoding="utf-8"))
    return [pattern for pattern in [*texts, *map(re.escape, entry)] if says_something(pattern)]


@cache
def sources() -> list[ast.Module]:
    files = [file for room in ROOMS for file in sorted(room.rglob("*.py")) if file.name != "errors.py"]
    return [ast.parse(file.read_text(encoding="utf-8")) for file in files]


def says_something(pattern: str) -> bool:
    return len(re.findall(r"[A-Za-z]", pattern)) >= LEAST_LETTERS


def quotes(section: str) -> list[str]:
    """What the first column of a section's tables quotes. `…` stands for names and numbers, one or several."""
    cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| ") and "what you see" not in row]
    found = [quote for cell in cells for _, quote in re.findall(r"(?<!`)(`{1,2})(?!`)(.+?)\1(?!`)", cell)]
    return [quote.strip().replace("…", "……") for quote in found]


def test_every_exit_code_has_a_section() -> None:
    assert set(SECTIONS) == {str(code) for code in KINDS.values()}


@pytest.mark.parametrize("code", sorted(map(int, SECTIONS)))
def test_an_error_that_is_quoted_stands_in_the_code_with_the_exit_code_of_its_section(code: int) -> None:
    quoted = quotes(SECTIONS[str(code)].partition("### The gate")[0])
    assert quoted
    for quote in quoted:
        kinds = {kind for kind, lines in lines_of().items() if any(re.fullmatch(line, quote) for line in lines)}
        if kinds:
            assert code in {KINDS[kind] for kind in kinds}, f"{quote!r} has another exit code"
        else:
            part = quote.removeprefix("Waiting: …… ").rstrip(".")
            assert any(re.fullmatch(line, said) for line in written() for said in (quote, part)), quote


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_error_is_quoted_where_its_exit_code_is(kind: str) -> None:
    quoted = quotes(SECTIONS[str(KINDS[kind])])
    assert any(re.fullmatch(pattern, quote) for pattern in lines_of()[kind] for quote in quoted)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"UsageError"}))
def test_an_error_that_is_no_slip_of_the_user_has_its_row(kind: str) -> None:
    quoted = quotes(SECTIONS[str(KINDS[kind])])
    missing = [line for line in lines_of()[kind] if not any(re.fullmatch(line, quote) for quote in quoted)]
    assert missing == [], f"docs/runbook.md has no row, in the section of exit code {KINDS[kind]}, for these"


def test_every_condition_of_a_gate_is_explained() -> None:
    tree = ast.parse((ROOT / "stack" / "gates" / "gate.py").read_text(encoding="utf-8"))
    names = {
        str(node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    conditions = {name for name in names if not name.startswith(("./invoke", "the stack file"))}
    explained = set(quotes(RUNBOOK.partition("### The gate stays shut")[2].partition("\n## ")[0]))
    assert conditions <= explained
