"""Processes of this machine: which one is meant, whether it is gone, and what a dead one left running."""

from __future__ import annotations

import getpass
import os
import platform
import pwd
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

LAUNCHER = "KEYSHIFT_LAUNCHER"
"""In the environment of all that a run starts, to any depth: the process that started it."""
FORMER_LAUNCHER = "SITELOGIX_LAUNCHER"
"""What version 0.1.0 called it."""
CLOCK_SECONDS = 1.0
"""How exactly the start of a process is known. One that started later has only been given the id of a dead one."""
END_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """One process of one machine, for all time: process ids are used again, so its start (seconds since 1970) counts.
    `machine` is one boot of one machine, and one container on it."""

    machine: str
    pid: int
    started: float

    @staticmethod
    def current() -> Process:
        """This very process."""
        return Process(_machine(), os.getpid(), psutil.Process().create_time())

    @property
    def is_gone(self) -> bool:
        """Whether it has surely ended. False of another machine's: that cannot be seen from here."""
        return self.machine == _machine() and is_gone(self.pid, before=self.started)

    def mark(self) -> Mapping[str, str]:
        """What to put into the environment of a program, so that it can be told whose it was."""
        return {LAUNCHER: f"{self.pid}@{self.started}"}


def who() -> str:
    """The user and the machine, such as `deploy@build-7`."""
    return f"{user()}@{host()}"


def user() -> str:
    """The user's name; in a container whose user has none, the number, such as `uid-12345`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # KeyError before Python 3.13.
        return f"uid-{os.getuid()}"


def named() -> dict[str, str]:
    """What to put into the environment of Pulumi, whose locks name the user, where the user has no name. (Go's os/user
    then takes USER and HOME.) Nothing where there is one."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return {"USER": user(), "HOME": os.environ.get("HOME") or tempfile.gettempdir()}
    return {}


def host() -> str:
    """The machine's name."""
    return platform.node()


def is_gone(pid: int, *, before: float) -> bool:
    """Whether the process of this machine that had that id at that time (seconds since 1970) has ended. A zombie has:
    it only waits for its parent to ask."""
    try:
        process = psutil.Process(pid)
        another = process.create_time() > before + CLOCK_SECONDS
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def orphans() -> list[psutil.Process]:
    """What still runs of what a launcher started that is gone; and of what this process started, but not itself."""
    own = Process.current()
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            mark = variables.get(LAUNCHER) or variables.get(FORMER_LAUNCHER)
        except psutil.Error:
            continue
        if mark is None or process.pid == own.pid:
            continue
        if mark == own.mark()[LAUNCHER] or _launcher_is_gone(mark):
            found.append(process)
    return found


def _launcher_is_gone(mark: str) -> bool:
    pid, _, started = mark.partition("@")
    try:
        return is_gone(int(pid), before=float(started))
    except ValueError:
        return False


def end(processes: Iterable[psutil.Process], *, at_once: bool = False) -> None:
    """Ends them, by force where asking is not enough (or without asking), and waits until they are gone."""
    alive = list(processes)
    if not at_once:
        alive = [process for process in alive if _sent(process, force=False)]
        _, alive = psutil.wait_procs(alive, timeout=END_SECONDS)
    alive = [process for process in alive if _sent(process, force=True)]
    psutil.wait_procs(alive, timeout=END_SECONDS)


def _sent(process: psutil.Process, *, force: bool) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.kill() if force else process.terminate()
    except psutil.NoSuchProcess:
        return False
    return True


@cache
def _machine() -> str:
    """This boot and the namespace in which process ids are counted, where Linux says so; elsewhere the network card."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{host()}/{uuid.getnode():012x}"
