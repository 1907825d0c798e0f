"""A clock that a test moves, for the processes that it starts and for its own: time passes, and no setting is lowered
for it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from schema import clock

FOLDER = Path(__file__).parent / "clock"
CLOCK = "KEYSHIFT_TEST_CLOCK"
"""Names the file that tests/clock/sitecustomize.py reads."""


@dataclass(frozen=True)
class MovedClock:
    """The clock of processes that get its `environment`, or of this one after `in_process`."""

    file: Path

    def move(self, by: timedelta) -> None:
        """Lets so much time pass."""
        self.file.write_text(str(self.ahead + by.total_seconds()), encoding="utf-8")

    @property
    def ahead(self) -> float:
        """By how many seconds it is ahead."""
        return float(self.file.read_text(encoding="utf-8")) if self.file.exists() else 0.0

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process is given so that it, and what it starts, go by this clock."""
        others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(FOLDER)]
        return {CLOCK: str(self.file), "PYTHONPATH": os.pathsep.join([str(FOLDER), *others])}

    def in_process(self, patch: pytest.MonkeyPatch) -> None:
        """Has the tool in this process go by it, and the moto server of this process."""
        patch.setattr(clock, "time", SimpleNamespace(time=lambda: time.time() + self.ahead))
