"""Several `migrate` of one checkout at the same moment take turns: the first one reads the stack, and the others wait
for what it finds. That saves them time; only the lease in the ledger decides who may work on the stack.

This file imports little, so that the second one is refused at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from schema.errors import Refused

POLL_SECONDS = 0.05


class Turn:
    """The turn of this process. `taken` notes that it holds the lease, and what others are told of that."""

    def __init__(self, file: IO[str] | None = None) -> None:
        self._file = file

    def taken(self, refusal: Refused) -> None:
        """From now on others of this checkout are refused, in these words."""
        if self._file is not None:
            json.dump({"pid": os.getpid(), "error": [refusal.what, refusal.why, refusal.next]}, self._file)
            self._file.flush()


@contextmanager
def turn(checkout: Path, stack: str) -> Iterator[Turn]:
    """Waits until no other process of this checkout looks at that stack. Raises Refused once one of them works on it.

    Where no file can be written there are no turns; and whoever finds the other one stopped asks the ledger.
    """
    path = checkout / ".local" / f"turn-{stack}"
    try:
        path.parent.mkdir(exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError:
        yield Turn()
        return
    with file:
        if not _waited(file):
            yield Turn()
            return
        file.truncate(0)
        try:
            yield Turn(file)
        finally:
            # Whoever waited for it goes on; two that then look at once do no harm.
            path.unlink(missing_ok=True)


def _waited(file: IO[str]) -> bool:
    """Whether the turn is ours; False when whoever has it is stopped, so that its lease may run out."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _is_stopped(file):
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True


def _is_stopped(file: IO[str]) -> bool:
    """Whether the other one has the lease and is stopped. Raises Refused if it has it and works."""
    file.seek(0)
    try:
        said = json.load(file)
    except ValueError:
        return False
    import psutil

    try:
        stopped = psutil.Process(said["pid"]).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False
    if not stopped:
        raise Refused(*said["error"])
    return True
