"""Telling whose process is meant, and whether it is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from stack.processes import LAUNCHER, Process, end, is_gone, orphans
from tests.limits import EXPECTED

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_a_living_process_is_not_gone(sleeper: subprocess.Popen[bytes]) -> None:
    assert not is_gone(sleeper.pid, before=time.time())
    assert not Process.current().is_gone


def test_a_zombie_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    os.kill(sleeper.pid, 0)  # still answers
    assert is_gone(sleeper.pid, before=time.time())


def test_a_process_id_that_was_given_to_another_program_since_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    assert is_gone(sleeper.pid, before=time.time() - 3600)


def test_a_process_of_another_machine_can_not_be_known_to_be_gone() -> None:
    elsewhere = replace(Process.current(), machine="elsewhere", pid=2**22)
    assert not elsewhere.is_gone
    assert replace(elsewhere, machine=Process.current().machine).is_gone


def test_what_a_dead_launcher_started_is_an_orphan_and_what_a_living_one_started_is_not(
    sleeper: subprocess.Popen[bytes],
) -> None:
    dead = replace(Process.current(), pid=sleeper.pid, started=time.time() - 3600)
    alive = replace(dead, started=psutil.Process(sleeper.pid).create_time())
    with (
        subprocess.Popen(SLEEP, env={**os.environ, **dead.mark()}) as orphan,
        subprocess.Popen(SLEEP, env={**os.environ, **alive.mark()}) as child,
        subprocess.Popen(SLEEP, env={**os.environ, **Process.current().mark()}) as own,
        subprocess.Popen(SLEEP, env={**os.environ, LAUNCHER: "nonsense"}) as another,
    ):
        deadline = time.monotonic() + EXPECTED
        # A process that was just forked has its parent's environment for a moment.
        while not {orphan.pid, own.pid} <= (found := {process.pid for process in orphans()}):
            assert time.monotonic() < deadline
        assert not {child.pid, another.pid, os.getpid()} & found
        for process in (orphan, child, own, another):
            process.kill()


def test_ending_uses_force_where_asking_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.processes.END_SECONDS", 0.3)
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = psutil.Process(process.pid)
        end([found])
        assert not found.is_running()
