"""The screen on which the README's picture is recorded: it shows what a terminal would."""

from __future__ import annotations

import importlib.util
import io
from types import ModuleType

import pytest
from rich.console import Console
from rich.progress import Progress

from tests.documents import ROOT


@pytest.fixture(scope="module")
def record() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", ROOT / "tools" / "recording" / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_bar_is_shown_while_it_goes_on_and_gone_when_it_has_ended(record: ModuleType) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, color_system=None)
    screen = record.Screen()
    console.print("one")
    with Progress(console=console, transient=True, auto_refresh=False) as bar:
        bar.add_task("two", total=2, completed=1)
        bar.refresh()
        screen.feed(out.getvalue())
        assert [line.split()[0] for line in screen.lines] == ["one", "two"]
        assert "50%" in screen.lines[1]
        seen = len(out.getvalue())
    console.print("three")
    screen.feed(out.getvalue()[seen:])
    assert screen.lines == ["one", "three"]


def test_the_picture_shows_the_lines_and_the_command(record: ModuleType) -> None:
    svg = record.picture(["[1/2] backup \x1b[31mreports\x1b[0m"])
    text = svg.replace("&#160;", " ")
    assert "$ ./invoke migrate --stack local" in text
    assert "[1/2] backup " in text
    assert "@font-face" not in svg
