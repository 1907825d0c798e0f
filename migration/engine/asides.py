"""What Pulumi's SDK prints of its own accord goes to the run's log, and not to the terminal.

The program runs in threads of the SDK's. When the CLI is killed, or ends before the program, the servers in these
threads print tracebacks that nobody can act on, at moments of their own: the run has told by then what went wrong.
"""

from __future__ import annotations

import io
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TextIO

Note = Callable[[str], object]
_THREAD = threading.local()


class Asides(io.TextIOBase):
    """Standard error: what a program's thread writes is noted line by line, all else goes to `terminal`."""

    def __init__(self, terminal: TextIO, note: Note) -> None:
        super().__init__()
        self.terminal = terminal
        self.note = note

    def write(self, text: str) -> int:
        if not getattr(_THREAD, "is_program", False):
            return self.terminal.write(text)
        for line in text.splitlines():
            if line.strip():
                self.note(line)
        return len(text)

    def flush(self) -> None:
        self.terminal.flush()

    def fileno(self) -> int:
        return self.terminal.fileno()

    def isatty(self) -> bool:
        return self.terminal.isatty()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.terminal.encoding


def hear(note: Note) -> None:
    """From now on, until the process ends, asides are told to `note`; so are exceptions that Python ignores, such as
    those of the SDK's coroutines that are dropped with their event loop."""
    terminal = sys.stderr.terminal if isinstance(sys.stderr, Asides) else sys.stderr
    sys.stderr = Asides(terminal, note)

    def ignored(what: sys.UnraisableHookArgs) -> None:
        note(f"Exception ignored in {what.object!r}")
        for part in traceback.format_exception(what.exc_type, what.exc_value, what.exc_traceback):
            for line in part.splitlines():
                note(line)

    sys.unraisablehook = ignored


def in_program() -> None:
    """The current thread is one of the program's, to its end."""
    _THREAD.is_program = True
