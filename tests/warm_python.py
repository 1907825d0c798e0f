"""A Python that has imported the project's dependencies already, and becomes a task of a checkout when it is told to.

Most of what a short `./invoke` costs is importing boto3, Pulumi's SDK and pydantic. Here one process imports them once
and forks for each task; the task imports the code of its own checkout, as always, and is a process of its own.

Run as a program it serves on a Unix socket until its standard input is closed. A request is one JSON document with
three open files (standard input, output and error); the answers are the task's process id and its exit code.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import IO, Any

DEPENDENCIES = (
    "boto3",
    "botocore.config",
    "botocore.exceptions",
    "invoke.program",
    "invoke.tasks",
    "psutil",
    "pulumi.automation",
    "pulumi_aws.cloudwatch",
    "pulumi_aws.dynamodb",
    "pulumi_aws.sns",
    "pydantic",
    "rich.console",
    "rich.progress",
    "rich.table",
    "ruamel.yaml",
    "tenacity",
)
"""What tasks import. One that is missing here costs time, and one that is gone stops this program."""

CLOCK = "KEYSHIFT_TEST_CLOCK"
"""As in tests/clock/sitecustomize.py."""


def run(
    directory: Path, arguments: tuple[str, ...], environment: Mapping[str, str], timeout: float
) -> CompletedProcess[str]:
    """Runs `python -m terminal` with these arguments there, and returns what it printed and its exit code."""
    request = {"directory": str(directory), "arguments": arguments, "environment": dict(environment)}
    with (
        socket.socket(socket.AF_UNIX) as connection,
        Path(os.devnull).open("rb") as nothing,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        connection.settimeout(timeout)
        connection.connect(_server())
        socket.send_fds(connection, [b"."], [file.fileno() for file in (nothing, output, errors)])
        connection.sendall(json.dumps(request).encode() + b"\n")
        answers = connection.makefile("r")
        pid = int(answers.readline())
        try:
            code = int(answers.readline())
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(arguments, timeout, _read(output), _read(errors)) from None
        return CompletedProcess(arguments, code, _read(output), _read(errors))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _server() -> str:
    """The socket of the program below, started when it is first needed; it ends with this process."""
    path = str(Path(tempfile.mkdtemp()) / "warm")
    # Its standard input says when this process has ended, however it did.
    program = subprocess.Popen([sys.executable, __file__, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(program.kill)
    assert program.stdout is not None
    assert program.stdout.readline() == b"ready\n"
    return path


def serve(path: str) -> dict[str, Any]:
    """Serves until standard input ends. Returns only in a process that is to become a task, with its request."""
    sys.path.pop(0)  # this file's folder
    for name in DEPENDENCIES:
        import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.write(sys.stdout.fileno(), b"ready\n")
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _attend(connection)
        connection.close()


def _attend(connection: socket.socket) -> dict[str, Any]:
    """Forks the task, returns its request there, and here tells how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    request: dict[str, Any] = json.loads(connection.makefile("r").readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        return request
    for file in files:
        os.close(file)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become(request: Mapping[str, Any]) -> None:
    """Runs the task in this process, as `python -m terminal` would."""
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if CLOCK in os.environ:
        # As a Python that starts now would do.
        runpy.run_path(str(Path(__file__).parent / "clock" / "sitecustomize.py"))
    sys.path.insert(0, request["directory"])
    sys.executable = str(Path(request["directory"], ".venv", "bin", "python"))
    sys.argv = ["terminal", *request["arguments"]]
    runpy.run_module("terminal", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    become(serve(sys.argv[1]))
