"""A migration that is killed at chosen moments, and run again each time until it is done."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from tests.checkouts import Checkout
from tests.faults.connection import Connection
from tests.limits import EXPECTED, HANGS

MAXIMUM_RUNS = 60
CUT_SECONDS = 3.0


class Victim(StrEnum):
    """What is killed: a process, or the connection to the endpoint."""

    TASK = "task"
    CLI = "cli"
    PLUGIN = "plugin"
    CONNECTION = "connection"


class Moment(StrEnum):
    """When: as the step is announced, some time after that (in an `up`: once that runs), or once it is recorded."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True)
class Point:
    """One kill: `delay` is in seconds, from the moment at which the step (or its `up`) is seen to begin."""

    victim: Victim
    moment: Moment
    step: str
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.victim} {self.moment} {self.step} +{self.delay:.2f}"


@dataclass
class Killed:
    """What became of it: the points at which something was really killed, those that were missed, and the exit codes
    of the runs."""

    hit: list[Point] = field(default_factory=list)
    missed: list[Point] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def migrate(checkout: Checkout, points: Iterable[Point], connection: Connection) -> Killed:
    """Runs `migrate` again and again, killing what the points say one after the other, until it is done."""
    killed, left = Killed(), list(points)
    for _ in range(MAXIMUM_RUNS):
        connection.wait()
        task = checkout.start("migrate", "--json")
        try:
            met = _disturb(checkout, task, left, killed, connection)
            output, _ = task.communicate(timeout=HANGS)
        finally:
            task.kill()
            task.wait()
        killed.codes.append(task.returncode)
        if task.returncode == 0:
            killed.missed += left
            return killed
        expected = {-9} if met and met[-1].victim is Victim.TASK else {1}
        assert met, f"undisturbed, and yet exit code {task.returncode}: {output}"
        assert task.returncode in expected, f"{met[-1]}: exit code {task.returncode}: {output}"
    raise AssertionError(f"not done after {MAXIMUM_RUNS} runs: {killed}")


def _disturb(
    checkout: Checkout, task: subprocess.Popen[str], left: list[Point], killed: Killed, connection: Connection
) -> list[Point]:
    """Follows one run to its end, and takes off the list what it comes to. Returns what it killed."""
    met: list[Point] = []
    for event in _events(task):
        due = next((point for point in left if _is_due(point, event)), None)
        if due is None:
            continue
        left.remove(due)
        done = _kill(checkout, task, due, connection)
        (killed.hit if done else killed.missed).append(due)
        if done:
            met.append(due)
    return met


def _is_due(point: Point, event: dict[str, Any]) -> bool:
    wanted = "ended" if point.moment is Moment.AFTER else "started"
    return bool(event["event"] == wanted and event["step"] == point.step)


def _kill(checkout: Checkout, task: subprocess.Popen[str], point: Point, connection: Connection) -> bool:
    if point.victim is Victim.CONNECTION:
        time.sleep(point.delay)
        connection.cut(CUT_SECONDS)
        return True
    if point.victim is Victim.TASK:
        time.sleep(point.delay)
        task.kill()
        return True
    found = in_an_up(checkout, task, point.victim)
    if found is None:
        return False
    time.sleep(point.delay)
    with suppress(psutil.NoSuchProcess):
        found.kill()
        return True
    return False


def in_an_up(checkout: Checkout, task: subprocess.Popen[str], victim: Victim) -> psutil.Process | None:
    """The CLI of a running `up`, or its plugin, as soon as there is one."""
    deadline = time.monotonic() + EXPECTED
    while time.monotonic() < deadline and task.poll() is None:
        for process in checkout.own():
            with suppress(psutil.Error):
                cli = process if victim is Victim.CLI else process.parent()
                if _is(process, victim) and cli is not None and "up" in cli.cmdline():
                    return process
        time.sleep(0.02)
    return None


def _is(process: psutil.Process, victim: Victim) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    if victim is Victim.CLI:
        return bool(command) and Path(command[0]).name == "pulumi"
    return "local.aws_plugin" in list(command)


def _events(task: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What the run tells of its steps, until it ends. Raises AssertionError with all that it told, if it told of a
    traceback."""
    assert task.stderr is not None
    told: list[str] = []
    for line in task.stderr:
        told.append(line)
        with suppress(ValueError):
            event = json.loads(line)
            if "step" in event:
                yield event
    assert not any("Traceback" in line for line in told), "".join(told)
