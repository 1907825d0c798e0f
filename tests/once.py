"""What is made once in a run of the suite, whichever of its processes needs it first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def once(factory: pytest.TempPathFactory, what: str) -> Iterator[Path]:
    """A folder that all processes of this run share. Others that want the same wait until the block is left."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / f"{what}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root
