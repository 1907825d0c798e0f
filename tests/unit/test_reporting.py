"""What a task says of an unexpected error."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from invoke.config import Config
from invoke.context import Context as Shell
from invoke.exceptions import Exit

from sitelogix.project import PROJECT
from terminal.reporting import command
from terminal.workspace import Workspace


@command()
def failing(shell: Shell) -> None:
    """Fails."""
    raise ValueError("planted")


def said(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on standard error of a task that fails in a project in that folder."""
    shell = Shell(Config(overrides={"keyshift": {"workspace": Workspace(PROJECT, folder)}}))
    with pytest.raises(Exit) as ended:
        failing(shell)
    assert ended.value.code == 1
    return capsys.readouterr().err.splitlines()


def test_an_unexpected_error_names_the_file_with_its_details(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(tmp_path, capsys) == [
        "Unexpected: ValueError: planted",
        "The details are in .local/error.log.",
        "What is done is recorded; repeating the command goes on from there.",
    ]
    assert "ValueError: planted" in (tmp_path / ".local" / "error.log").read_text(encoding="utf-8")


def test_where_no_file_can_be_written_the_details_are_lost_and_the_error_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError("no space left")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    (tmp_path / ".local").write_text("", encoding="utf-8")
    assert said(tmp_path, capsys)[:2] == [
        "Unexpected: ValueError: planted",
        "The details are lost: no file can be written.",
    ]
