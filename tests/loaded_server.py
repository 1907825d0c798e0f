"""The server of the local stack with its data set loaded, made once: each checkout gets a fork of it.

Run as a program it loads the data set and forks servers until its standard input is closed. A request is one line, the
port and the clock's file or nothing; the answer is the server's process id, once it listens.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import runpy
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from botocore.awsrequest import AWSRequest, AWSResponse
from werkzeug.serving import make_server
from werkzeug.test import Client

from local.emulation import application
from local.server import ServerRecord
from local.stack import load
from sitelogix.project import PROJECT
from stack.aws import dynamodb
from stack.file.config import load_config
from tests.moved_clock import CLOCK, FOLDER, MovedClock

CHECKOUT = Path(__file__).resolve().parents[1]
PREFIX = "sitelogix-"


def serve_checkout(checkout: Path, port: int, stack: str = "local", clock: MovedClock | None = None) -> psutil.Process:
    """Starts a loaded server for that local stack of the checkout, as a first task would leave it."""
    program = _program()
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{port} {clock.file if clock else ''}\n")
    program.stdin.flush()
    server = psutil.Process(int(program.stdout.readline()))
    record = ServerRecord(server.pid, server.create_time(), f"http://127.0.0.1:{port}", loaded={stack: PREFIX})
    (checkout / ".local" / "state").mkdir(parents=True)
    (checkout / ".local" / "server.json").write_text(json.dumps(asdict(record)), encoding="utf-8")
    return server


@cache
def _program() -> subprocess.Popen[str]:
    """The program below, started when it is first needed; it ends with this process."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.loaded_server"],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MOTO_ENABLE_ISO_REGIONS": "false"},
    )
    atexit.register(program.kill)
    return program


def main() -> None:
    """Loads the data set, then forks servers."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    served: Any = application()
    _load(served)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        port, _, clock = line.strip().partition(" ")
        listener = socket.create_server(("127.0.0.1", int(port)), backlog=128)
        pid = os.fork()
        if pid == 0:
            if clock:
                os.environ[CLOCK] = clock
                runpy.run_path(str(FOLDER / "sitecustomize.py"))
            _serve(served, listener)
        listener.close()
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _load(served: Any) -> None:
    """Puts the data set into moto's world of this process, without a connection."""
    config = load_config("local", CHECKOUT, PROJECT)
    client = dynamodb(config)
    client.meta.events.register("before-send.dynamodb", _answered_by(served))
    load(client, config, PROJECT)


def _answered_by(served: Any) -> Any:
    """What boto3 asks before it sends a request: the answer of this application, so that it sends none."""
    client = Client(served)

    def answer(request: AWSRequest, **_: Any) -> AWSResponse:
        headers: Any = {name: _text(value) for name, value in request.headers.items()}
        found = client.open(request.url, method="POST", headers=headers, data=request.body)
        answered: Any = dict(found.headers)
        return AWSResponse(str(request.url), found.status_code, answered, _Raw(found.get_data()))

    return answer


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class _Raw(io.BytesIO):
    """A body, as botocore reads one."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


def _serve(served: Any, listener: socket.socket) -> None:
    """Serves until it is ended. What it prints goes nowhere."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    host, port = listener.getsockname()
    server = make_server(host, port, served, threaded=True, fd=listener.fileno())
    server.serve_forever()
    os._exit(0)


if __name__ == "__main__":
    main()
