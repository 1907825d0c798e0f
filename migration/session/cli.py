"""Pulumi's CLI as a process of ours: we know its id, and signals reach it through us alone.

The CLI has a process group of its own: a terminal's Ctrl-C would reach it beside us, and CI's signal would not reach it
at all. At the first signal it tells the plugin to stop, and ends once that has. At a second one it leaves what it has
begun as pending, writes its state, gives back its lock, and ends. So it gets one from us, whoever sent ours, and a
second one only where the plugin does not obey: in time for CI, which kills everything ten seconds after its first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import IO

from pulumi import automation
from pulumi.automation.errors import create_command_error

OPTIONS = ("--non-interactive",)
"""So that it fails instead of asking."""
PATIENCE_SECONDS = 4.0
"""How long the plugin may take to obey."""
LOOK_SECONDS = 0.2
OnLine = Callable[[str], object]
CliProcess = subprocess.Popen[str]
Noting = Callable[[CliProcess], AbstractContextManager[None]]
"""Is entered as soon as the CLI runs, and left once it has ended."""


class Cli(automation.PulumiCommand):
    """The CLI on PATH."""

    def __init__(self) -> None:
        super().__init__(skip_version_check=True)
        self._changing: int | None = None
        self._interrupted: float | None = None
        self._noting: Noting | None = None

    @contextmanager
    def changing(self, noting: Noting) -> Iterator[None]:
        """Has what runs while the block does, which changes something, be noted. Only that can be interrupted: what
        only reads ends soon, and has nothing to end in order."""
        self._noting = noting
        try:
            yield
        finally:
            self._noting = None

    def interrupt(self) -> None:
        """Asks what is changing something to end in order. Harmless when nothing is. May be called by a signal
        handler."""
        pid, self._changing = self._changing, None
        if pid is not None:
            self._interrupted = time.monotonic()
            _signal(pid)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnLine | None = None,
        on_error: OnLine | None = None,
    ) -> automation.CommandResult:
        """Runs the CLI with these arguments. Raises CommandError where it fails."""
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(
            [self.command, *OPTIONS, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            process_group=0,
        ) as process:
            self._changing = process.pid if self._noting is not None else None
            try:
                with self._noting(process) if self._noting is not None else nullcontext():
                    output, errors = _Lines(process.stdout, on_output), _Lines(process.stderr, on_error)
                    while output.is_alive():
                        output.join(LOOK_SECONDS)
                        self._insist(process)
                    errors.join()
                    process.wait()
            except BaseException:
                process.kill()
                raise
            finally:
                self._changing = self._interrupted = None
        result = automation.CommandResult(stdout=output.text, stderr=errors.text, code=process.returncode)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def _insist(self, process: CliProcess) -> None:
        if self._interrupted is not None and time.monotonic() - self._interrupted > PATIENCE_SECONDS:
            self._interrupted = None
            _signal(process.pid)


def _signal(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)


class _Lines(threading.Thread):
    """Reads a stream to its end, and tells each line."""

    def __init__(self, stream: IO[str] | None, on_line: OnLine | None) -> None:
        super().__init__(daemon=True)
        assert stream is not None
        self._stream = stream
        self._on_line = on_line
        self._lines: list[str] = []
        self.start()

    def run(self) -> None:
        for line in self._stream:
            self._lines.append(line.rstrip())
            if self._on_line is not None:
                self._on_line(self._lines[-1])

    @property
    def text(self) -> str:
        return "\n".join(self._lines)
