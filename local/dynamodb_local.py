"""DynamoDB Local, AWS's own emulator, for tests and benchmarks: where moto is lax, this one is not (docs/facts.md)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET

import psutil

from local.server import answers

PROJECT = Path(__file__).resolve().parent.parent / "tools" / "dynamodb-local" / "pom.xml"
MAIN_CLASS = "software.amazon.dynamodb.services.local.main.ServerRunner"
START_SECONDS = 60
FETCH_SECONDS = 600


class Missing(Exception):
    """DynamoDB Local cannot be had on this machine; the message says what is missing."""


class DynamoDbLocal:
    """One server with its data in memory, as a context manager: leaving it ends the process.

    `core` puts it on that one processor, so that a benchmark's client has another for itself; `heap` is Java's.
    """

    def __init__(self, core: int | None = None, heap: str = "2g") -> None:
        self._heap = heap
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    def __enter__(self) -> Self:
        library = libraries()
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
        java = [
            "java",
            f"-Xmx{self._heap}",
            "-XX:+UseParallelGC",
            "-XX:ActiveProcessorCount=2",
            f"-Djava.library.path={library}",
            "-cp",
            f"{library}/*",
            MAIN_CLASS,
        ]
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen([*java, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if self._core is not None:
                psutil.Process(self._process.pid).cpu_affinity([self._core])
            deadline = time.monotonic() + START_SECONDS
            while not answers(self.endpoint):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._end()
                    log.seek(0)
                    raise Missing(f"it does not start: {log.read()[-300:].decode(errors='replace')}")
                time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def libraries() -> Path:
    """The directory with DynamoDB Local and what it needs, fetched by Maven once per user. Raises Missing."""
    if shutil.which("java") is None:
        raise Missing("there is no java on PATH (17 or newer)")
    directory = _cache() / f"dynamodb-local-{_version()}"
    if directory.is_dir():
        return directory
    if shutil.which("mvn") is None:
        raise Missing("there is no mvn (Maven) on PATH to fetch it with")
    _cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_cache(), prefix=f"{directory.name}.partial-") as partial:
        command = ["mvn", "--quiet", "--batch-mode", "-f", str(PROJECT), "dependency:copy-dependencies"]
        result = subprocess.run(
            [*command, "-DincludeScope=runtime", f"-DoutputDirectory={partial}/whole"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
        if result.returncode:
            raise Missing(f"Maven could not fetch it: {result.stdout.strip()[-300:]}")
        # Another process may have been faster.
        with suppress(OSError):
            Path(partial, "whole").rename(directory)
    return directory


def _version() -> str:
    """The version that the Maven project names."""
    found = ET.parse(PROJECT).getroot().find(".//{*}dependency/{*}version")  # noqa: S314  # our own file
    assert found is not None
    return str(found.text)


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return Path(root) / "keyshift" if root else Path.home() / ".cache" / "keyshift"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
