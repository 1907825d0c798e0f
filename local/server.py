"""The moto server of the local stack, as a background process that outlives the task that started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from schema.errors import ToolError, UsageError

START_SECONDS = 60
"""How long the server may take until it answers; two seconds is usual."""
STOP_SECONDS = 5


@dataclass(frozen=True)
class ServerRecord:
    """What `.local/server.json` says of the server: the process by id and start time (seconds since 1970), and the
    stacks whose data set was loaded to the end, each with its prefix of table names."""

    pid: int
    started: float
    endpoint: str
    loaded: Mapping[str, str] = field(default_factory=dict)


class Server:
    """The server of one endpoint (a URL on this machine); `directory` holds its record and its log."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._endpoint = endpoint
        self._moto = f"{endpoint}/moto-api/"
        self._directory = directory
        self._record_file = directory / "server.json"

    def record(self) -> ServerRecord | None:
        """The record, if its very process is still alive: a process id alone may be somebody else's by now."""
        try:
            record = ServerRecord(**json.loads(self._record_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        if not isinstance(record.loaded, dict):
            # An earlier version noted only whether the data of its one local stack were loaded.
            record = replace(record, loaded={"local": ""} if record.loaded else {})
        return record if _process(record) is not None else None

    def start(self) -> ServerRecord:
        """Starts the server and waits until it answers. Raises UsageError when the port is taken."""
        address = urlsplit(self._endpoint)
        host, port = address.hostname or "127.0.0.1", address.port or 80
        if answers(self._moto):
            raise self._busy(port)
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.moto", host, str(port)],
                cwd=Path(__file__).parent.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "MOTO_ENABLE_ISO_REGIONS": "false"},
            )
        record = ServerRecord(process.pid, psutil.Process(process.pid).create_time(), self._endpoint)
        self._write(record)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self._moto):
            if process.poll() is not None:
                self._record_file.unlink(missing_ok=True)
                if "Address already in use" in self.log():
                    raise self._busy(port)
                raise ToolError("The local server did not start.", self.log()[-400:], f"Port {port}: is it free?")
            if time.monotonic() > deadline:
                self.stop()
                raise ToolError(
                    "The local server does not answer.",
                    f"It was given {START_SECONDS} seconds; its log is {self._directory / 'server.log'}.",
                    "Run: ./invoke local.up",
                )
            time.sleep(0.05)
        return record

    def mark_loaded(self, record: ServerRecord, stack: str, prefix: str) -> None:
        """Notes that the data set of that stack is whole, in tables with that prefix."""
        self._write(replace(record, loaded={**record.loaded, stack: prefix}))

    def stop(self) -> bool:
        """Ends the server and forgets it. Returns whether one was running."""
        record = self.record()
        self._record_file.unlink(missing_ok=True)
        process = _process(record) if record else None
        if process is None:
            return False
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        return True

    def log(self) -> str:
        """What the server printed."""
        try:
            return (self._directory / "server.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _write(self, record: ServerRecord) -> None:
        self._record_file.write_text(json.dumps(asdict(record)), encoding="utf-8")

    @staticmethod
    def _busy(port: int) -> UsageError:
        return UsageError(
            f"Port {port} is in use by another program.",
            "The local stack's server listens there: aws:endpoints in its stack file says so.",
            "End that program, or put another port into Pulumi.local.yaml.",
        )


def _process(record: ServerRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.started) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def answers(url: str) -> bool:
    """Whether somebody answers at this URL on this machine, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # our own loopback endpoint
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
