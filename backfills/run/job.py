"""What all workers of one backfill share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from backfills.items.target import Target
from backfills.progress.records import Counts
from backfills.run.mender import Mender
from dynamo.reader import Reader, side_by_side


@dataclass(frozen=True)
class Job:
    """One target, divided into `segments`, of which as many are worked on at a time as there are `workers`.

    Setting `stop` ends the job at the next request. `on_progress` is told the counts so far.
    """

    target: Target
    reader: Reader
    mender: Mender
    segments: int
    workers: int
    stop: threading.Event
    on_progress: Callable[[Counts], None]

    def each_segment(self, work: Callable[[int], None]) -> None:
        """Does `work` for each segment."""
        side_by_side(self.segments, self.workers, self.stop, work)
