"""Every document against the code: its commands have tasks and flags that there are, and its links lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from sitelogix.project import PROJECT
from terminal.collection import collection
from tests.documents import ROOT, blocks, commands

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md"))
)
OF_THE_PAST = {"CHANGELOG.md"}
"""It names tasks that were renamed."""
COMING = {"preview"}
"""Tasks whose flags docs/ci.md names already, and that are in work."""
CORE = {"--help", "--list", "--list-depth"}
"""Options of invoke itself, and not of a task."""


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@cache
def flags() -> dict[str, set[str]]:
    """The flags of each task."""
    tasks = collection(PROJECT, ROOT)
    return {
        name: {flag for argument in tasks[name].get_arguments() for flag in dashed(argument.names)}
        for name in tasks.task_names
    }


def dashed(names: tuple[str, ...]) -> list[str]:
    return [f"-{name}" if len(name) == 1 else f"--{name.strip('_').replace('_', '-')}" for name in names]


def typed(text: str) -> list[str]:
    """What follows `./invoke` in a document, up to the end of that command."""
    # The rest of a code span may stand in the next line.
    spans = [span for _, span in re.findall(r"(?<!`)(`{1,2})(?!`)([^`]+?)\1(?!`)", prose(text))]
    lines = [line for block in blocks(text) if block.language in {"console", "yaml", ""} for line in shown(block.text)]
    found = [re.sub(r"\s+", " ", part) for part in [*spans, *lines] if "./invoke" in part]
    return [rest for part in found for rest in re.findall(r"\./invoke ([^#&;)]*)", part)]


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def shown(block: str) -> list[str]:
    return block.replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name not in OF_THE_PAST])
def test_a_command_has_a_task_and_flags_that_there_are(document: str) -> None:
    for command in typed(read(document)):
        first, *rest = re.sub(r"\"[^\"]*\"|'[^']*'", "VALUE", command).split() or ["--list"]
        if first in CORE or first.isupper() or first == "…":
            continue
        assert first in flags(), f"{document}: there is no task {first!r} (./invoke {command})"
        wrong = {word.partition("=")[0] for word in rest if word.startswith("-")} - flags()[first]
        assert not wrong, f"{document}: {first} has no {', '.join(sorted(wrong))} (./invoke {command})"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_leads_to_a_file_and_a_heading_that_there_are(document: str) -> None:
    folder = (ROOT / document).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(read(document))):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (folder / name).resolve() if name else ROOT / document
        assert file.exists(), f"{document} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in headings(file), f"{document} links to {target}"


@cache
def headings(file: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them of its headings."""
    found = re.findall(r"^#+ (.*)$", prose(file.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("*.svg")), ids=lambda path: path.name)
def test_a_picture_needs_nothing_from_elsewhere(picture: Path) -> None:
    text = re.sub(r"<!--.*?-->", "", picture.read_text(encoding="utf-8"))
    assert re.findall(r"https?://[^\"' )]+", text) == ["http://www.w3.org/2000/svg"]


def test_commands_of_a_block_are_told_from_their_output() -> None:
    (block,) = blocks("Write `a/b.py`:\n\n```console\n$ one\nout\n\n$ two\n```\n")
    assert block.files == ["a/b.py"]
    assert [(command.line, command.output) for command in commands(block)] == [("one", ("out", "")), ("two", ())]
