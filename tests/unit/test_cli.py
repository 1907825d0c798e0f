"""Pulumi's CLI as a process of ours: noted while it changes something, and signalled once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pulumi.automation.errors import CommandError

from migration.session.cli import Cli, CliProcess
from tests.limits import EXPECTED

COUNTING = """
import signal, sys
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
print("ready", flush=True)
while not got:
    signal.sigtimedwait([], 0.01)
for _ in range(50):
    signal.sigtimedwait([], 0.01)
print(len(got))
"""


class Python(Cli):
    """A CLI that is Python."""

    def __init__(self) -> None:
        self.command = sys.executable
        self._changing = self._noting = None


@contextmanager
def unnoted(process: CliProcess) -> Iterator[None]:
    yield


@pytest.fixture
def script(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of a program that counts its signals."""
    path = tmp_path_factory.mktemp("cli") / "counting.py"
    path.write_text(COUNTING, encoding="utf-8")
    monkeypatch.setattr("migration.session.cli.OPTIONS", ())
    return [str(path)]


def test_what_changes_something_gets_one_signal_however_often_it_is_interrupted(script: list[str]) -> None:
    cli, ready, said = Python(), threading.Event(), list[str]()

    def interrupt() -> None:
        assert ready.wait(EXPECTED)
        for _ in range(3):
            cli.interrupt()
            # Signals that come at once are one.
            time.sleep(0.1)

    def told(line: str) -> None:
        said.append(line)
        ready.set()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with cli.changing(unnoted):
        found = cli.run(script, ".", {}, on_output=told)
    interrupting.join()
    assert (found.stdout, said) == ("ready\n1", ["ready", "1"])


def test_what_does_not_end_in_time_gets_a_second_signal(script: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migration.session.cli.PATIENCE_SECONDS", 0.0)
    cli = Python()
    with cli.changing(unnoted):
        found = cli.run(script, ".", {}, on_output=lambda line: cli.interrupt())
    assert found.stdout == "ready\n2"


def test_what_is_to_end_at_once_gets_two_signals_and_never_a_third(
    script: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migration.session.cli.PATIENCE_SECONDS", 0.0)
    cli, ready = Python(), threading.Event()

    def end() -> None:
        assert ready.wait(EXPECTED)
        cli.interrupt()
        cli.end_at_once()
        cli.end_at_once()

    ending = threading.Thread(target=end)
    ending.start()
    with cli.changing(unnoted):
        found = cli.run(script, ".", {}, on_output=lambda line: ready.set())
    ending.join()
    assert found.stdout == "ready\n2"


def test_what_does_not_end_at_once_is_killed(script: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migration.session.cli.END_SECONDS", 0.0)
    monkeypatch.setattr("migration.session.cli.BETWEEN_SIGNALS_SECONDS", 0.0)
    cli = Python()
    with cli.changing(unnoted), pytest.raises(CommandError, match="code: -9"):
        cli.run(script, ".", {}, on_output=lambda line: cli.end_at_once())


def test_what_is_noted_has_ended_when_its_note_is_left_in_spite_of_a_failure(
    script: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, left = Python(), list[int | None]()

    @contextmanager
    def noted(process: CliProcess) -> Iterator[None]:
        try:
            yield
        finally:
            left.append(process.returncode)

    def fail(lines: object, seconds: float = 0.0) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("migration.session.cli._Lines.join", fail)
    with cli.changing(noted), pytest.raises(KeyboardInterrupt):
        cli.run(script, ".", {})
    assert left == [-9]


def test_what_only_reads_is_not_interrupted() -> None:
    cli = Python()
    cli.interrupt()
    assert cli._changing is None


def test_a_failure_is_an_error_with_what_was_said(script: list[str]) -> None:
    with pytest.raises(CommandError, match="code: 3"):
        Python().run(["-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"], ".", {})
