"""docs/tutorial.md, followed to the letter: its files are written, its commands are typed, and its outputs compared."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.checkouts import MARK, Checkout
from tests.documents import ROOT, Block, Command, blocks, commands
from tests.limits import HANGS

TUTORIAL = ROOT / "docs" / "tutorial.md"
PORT = "127.0.0.1:5997"
ELSEWHERE = "…"
"""A line of the document that stands for any number of lines."""
STILL_AT_IT = r"(\[\d+/\d+\] \S+( \S+)?)?: "
"""How a line begins that a long step prints every ten seconds: on a slow machine there are some."""
MASKS = (
    (r"t-\d{4}\"\}\}: queue = .*", "AN EXAMPLE"),
    (r"\bt-\d{4}\b", "TICKET"),
    (r"127\.0\.0\.1:\d+", "ENDPOINT"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?", "TIME"),
    (r"\d{4}-\d\d-\d\d|\b\d{8}\b", "DAY"),
    (r"\b\d+(\.\d+)? (s|ms)\b", "SECONDS"),
    (r"\b[0-9a-f]{12,}\b", "DIGITS"),
    (r"\b\d{8}T\d{6}\S*", "RUN"),
    (r"[ \t]+", " "),
)
"""What differs from run to run, and the spaces by which columns make room for it."""


def masked(line: str) -> str:
    for pattern, word in MASKS:
        line = re.sub(pattern, word, line)
    return line.strip()


def shows(document: tuple[str, ...], output: list[str]) -> bool:
    """Whether the output is what the document shows, where a line `…` stands for any lines."""
    parts = "".join(f"{masked(line)}\n" for line in document).split(f"{ELSEWHERE}\n")
    pattern = r"(?:.*\n)*".join(re.escape(part) for part in parts)
    printed = "".join(f"{masked(line)}\n" for line in output if not re.match(STILL_AT_IT, line))
    return re.fullmatch(pattern, printed) is not None


@dataclass
class Reader:
    """A person at a terminal: the folder that they are in, and the exit code of what they ran last."""

    checkout: Checkout
    folder: Path
    code: int = 0
    typed: list[str] = field(default_factory=list)

    def types(self, line: str) -> list[str]:
        """Runs the line in a shell, and returns the lines that it prints."""
        where = self.checkout.path / "where"
        script = f'(exit {self.code})\n{line}\ncode=$?\npwd > "{where}"\nexit $code'
        ran = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self.folder,
            env={**os.environ, MARK: self.checkout.mark, "COLUMNS": "120"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=HANGS,
        )
        self.code, self.folder = ran.returncode, Path(where.read_text(encoding="utf-8").strip())
        self.typed.append(line)
        return ran.stdout.splitlines()

    def edits(self, block: Block) -> None:
        """Writes the file that the document shows, or changes the lines that it shows as a difference."""
        assert block.files, f"The document does not say which file this is:\n{block.text}"
        for name in block.files:
            file = self.folder / name
            text = block.text.replace(PORT, f"127.0.0.1:{self.checkout.port}")
            if block.language == "diff":
                text = changed(file.read_text(encoding="utf-8"), text)
            file.write_text(text, encoding="utf-8")


def changed(text: str, difference: str) -> str:
    """The text with each line `-` of a difference replaced by the line `+` below it. What a line of the text has beyond
    that, such as a comment, stays."""
    for old, new in re.findall(r"^-(.*)\n\+(.*)$", paired(difference), flags=re.MULTILINE):
        assert text.count(f"\n{old}") + text.startswith(old) == 1, f"{old!r} is not there once"
        text = text.replace(old, new)
    return text


def paired(difference: str) -> str:
    """The difference with each old line right above its new one."""
    lines = difference.splitlines()
    old, new = [[line for line in lines if line.startswith(sign)] for sign in "-+"]
    return "\n".join(line for pair in zip(old, new, strict=True) for line in pair)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    checkout = Checkout.make(tmp_path / "checkout")
    try:
        yield Reader(checkout, checkout.path)
    finally:
        made = checkout.path / "examples" / "helpdesk"
        if made.exists():
            subprocess.run(["./invoke", "local.down"], cwd=made, check=False, capture_output=True, timeout=HANGS)
        left_over = checkout.processes()
        checkout.clean_up()
        assert left_over == [], "processes were left behind"


def test_the_tutorial_does_what_it_says_line_by_line(reader: Reader) -> None:
    for block in blocks(TUTORIAL.read_text(encoding="utf-8")):
        if block.language != "console":
            reader.edits(block)
            continue
        for command in commands(block):
            follow(reader, command)
    assert reader.typed[-1] == "./invoke local.down"


def follow(reader: Reader, command: Command) -> None:
    output = reader.types(command.line)
    assert shows(command.output, output), "\n".join(
        [f"$ {command.line}", "printed:", *output, "and the document shows:", *command.output]
    )


def test_a_line_of_dots_stands_for_any_lines_and_nothing_else_is_left_out() -> None:
    assert shows(("a", "…", "d"), ["a", "b", "c", "d"])
    assert shows(("took 1.0 s",), ["took  12.3 s"])
    assert not shows(("a", "d"), ["a", "b", "d"])
    assert not shows(("a",), ["a", "b"])
    assert not shows((), ["a"])
