"""Pulumi's CLI as a process of ours: we know its id, and signals reach it through us alone.

The CLI has a process group of its own: a terminal's Ctrl-C would reach it beside us, and CI's signal would not reach it
at all. At the first signal it tells the plugin to stop, and ends once that has. At a second one it leaves what it has
begun as pending, writes its state, gives back its lock, and ends. So it gets one from us, whoever sent ours, and a
second one only where the plugin does not obey: in time for CI, which kills everything ten seconds after its first. Or
sooner, where only AWS is waited for. It never gets a third one: while it gives back its lock, that would kill it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO

from pulumi import automation
from pulumi.automation.errors import create_command_error

OPTIONS = ("--non-interactive",)
"""So that it fails instead of asking."""
PATIENCE_SECONDS = 4.0
"""How long the plugin may take to obey."""
BETWEEN_SIGNALS_SECONDS = 0.5
"""Signals that come at once are one."""
END_SECONDS = 20.0
"""How long the CLI may take to write the state and to give back its lock, once it was told to end at once."""
MOST_SIGNALS = 2
LOOK_SECONDS = 0.2
OnLine = Callable[[str], object]
CliProcess = subprocess.Popen[str]
Noting = Callable[[CliProcess], AbstractContextManager[None]]
"""Is entered as soon as the CLI runs, and left once it has ended."""


class Cli(automation.PulumiCommand):
    """The CLI on PATH."""

    def __init__(self) -> None:
        super().__init__(skip_version_check=True)
        self._changing: CliProcess | None = None
        self._signals = 0
        self._signalled = 0.0
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
        process = self._changing
        if process is not None and not self._signals:
            self._signal(process)

    def end_at_once(self) -> None:
        """Ends what is changing something, from another thread, in order and without waiting for AWS. Harmless when
        nothing is. What does not write its state and give back its lock in time is killed, and its lock is left to the
        next run."""
        process = self._changing
        if process is None:
            return
        self.interrupt()
        if _ends(process, BETWEEN_SIGNALS_SECONDS):
            return
        self._signal(process)
        if not _ends(process, END_SECONDS):
            process.kill()

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
            self._signals = 0
            self._changing = process if self._noting is not None else None
            try:
                with self._noting(process) if self._noting is not None else nullcontext():
                    output, errors = self._heard(process, on_output, on_error)
            except BaseException:
                process.kill()
                raise
            finally:
                self._changing = None
        result = automation.CommandResult(stdout=output, stderr=errors, code=process.returncode)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def _heard(self, process: CliProcess, on_output: OnLine | None, on_error: OnLine | None) -> tuple[str, str]:
        """What it writes to standard output and to standard error until it ends. Whatever else ends this, kills it."""
        try:
            output, errors = _Lines(process.stdout, on_output), _Lines(process.stderr, on_error)
            while output.is_alive():
                output.join(LOOK_SECONDS)
                if self._signals and time.monotonic() - self._signalled > PATIENCE_SECONDS:
                    self._signal(process)
            errors.join()
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        return output.text, errors.text

    def _signal(self, process: CliProcess) -> None:
        if self._signals < MOST_SIGNALS:
            self._signals += 1
            self._signalled = time.monotonic()
            process.send_signal(signal.SIGINT)


def _ends(process: CliProcess, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


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
