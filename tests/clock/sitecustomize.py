"""A clock that a test can move, in every Python that has this folder on its PYTHONPATH: for schema/clock.py, which is
the one clock of the tool, `time.time` is ahead by the seconds that stand in the file which CLOCK names. All others have
the right time: grpc, for one, would wait for days. The tool itself has nothing that moves its clock."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

CLOCK = "KEYSHIFT_TEST_CLOCK"
"""Names the file. While there is none, the clock is right."""
MOVED = "schema.clock"
_real = time.time


def ahead() -> float:
    """By how many seconds the clock is ahead now."""
    try:
        return float(Path(os.environ[CLOCK]).read_text(encoding="utf-8"))
    except (KeyError, FileNotFoundError):
        return 0.0


def _told() -> float:
    asks = sys._getframe(1).f_globals.get("__name__")
    return _real() + ahead() if asks == MOVED else _real()


def install() -> None:
    """Has the tool in this process go by that clock, if CLOCK names a file."""
    if CLOCK in os.environ:
        time.time = _told


install()
