"""Hosts of one's own on this machine: each has its own name and process ids, and dies as a whole."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from tests.limits import ENDING

_UNSHARE = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")


def need_hosts() -> None:
    """Skips where this machine does not let one make namespaces."""
    possible = shutil.which("unshare") is not None
    if not possible or subprocess.run([*_UNSHARE, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs namespaces: unshare --uts --pid")


@contextmanager
def running_on(host: str, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Runs a command on a host of that name. Afterwards, and when it is killed, nothing runs on the host any more."""
    named = ["sh", "-c", 'hostname "$0" && exec "$@"', host, *command]
    with running([*_UNSHARE, *named], environment) as process:
        yield process


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Runs a command, and kills it afterwards."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=ENDING)
