"""The parts of one backfill put together: what its workers share, and what it can be asked to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backfills.items.target import Target
from backfills.items.writer import WRITERS
from backfills.progress.checkpoint import Checkpoint
from backfills.progress.journal import Journal
from backfills.progress.records import Counts, Records
from backfills.rates import Rates
from backfills.run.mender import Job, Mender
from backfills.run.runner import BackfillRun, Result
from backfills.run.survey import Survey, dry_run, late, stale
from backfills.run.undo import Undone, undo
from dynamo.reader import Reader
from dynamo.retry import Retry
from dynamo.throttle import Throttle
from dynamo.units import UNLIMITED, segments_for

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

JOURNALED_ITEMS = 1_000_000
"""Tables with fewer items are backfilled with a journal, unless the stack file says otherwise."""
FAST = Rates(write=UNLIMITED, read=UNLIMITED)


@dataclass(frozen=True)
class Options:
    """How a backfill works: its writer (a name in WRITERS), its rates, its workers, whether it keeps a journal (None:
    below JOURNALED_ITEMS), into how many segments it divides the table (None: by its size), and the most items that
    a page looks at (None: as many as fit 1 MB)."""

    writer: str = "batched"
    rates: Rates = FAST
    workers: int = 4
    journal: bool | None = None
    segments: int | None = None
    page_items: int | None = None


class Assembly:
    """Everything about the backfill of one target.

    `client` tries each request once; setting `stop` ends the backfill at the next request. `guard` is called before
    each write: what it raises ends the backfill.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        target: Target,
        records: Records,
        options: Options,
        on_progress: Callable[[Counts], None] = lambda counts: None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self.stop = threading.Event()
        self.throttle = Throttle(options.rates.write, self.stop)
        self._reads = Throttle(options.rates.read, self.stop)
        self.retry = Retry(target.table, self.stop, self._throttled)
        self.checkpoint = Checkpoint(records, target.name)
        self.journal = Journal(records, target.name, target.id)
        journaled = target.item_count < JOURNALED_ITEMS if options.journal is None else options.journal
        writer, kept = WRITERS[options.writer](client, target.table), self.journal if journaled else None
        self._mender = Mender(target, writer, self.throttle, self.retry, kept, guard)
        reader = Reader(
            client,
            target.table,
            self.retry,
            self._reads,
            size=target.size,
            item_count=target.item_count,
            page_items=options.page_items,
        )
        segments = options.segments or segments_for(target.size)
        self._job = Job(target, reader, self._mender, segments, options.workers, self.stop, on_progress)

    def run(self, clock: str, violations_file: Path | None = None) -> Result:
        """Backfills, or goes on where the last run of the same backfill was left, at that one's clock and segments."""
        self.retry.call(lambda: self.checkpoint.open(self._job.target, clock, self._job.segments))
        job = replace(self._job, segments=self.checkpoint.state.segments)
        return BackfillRun(job, self.checkpoint, violations_file).run()

    def dry_run(self, clock: str) -> Survey:
        """What a backfill would change now. Writes nothing."""
        return dry_run(self._job, clock)

    def check(self, *, mend: bool) -> Survey:
        """Which filled values have gone stale; mended, if so asked."""
        last = self.checkpoint.last()
        return stale(self._job, last.clock if last else "", mend=mend)

    def late(self, clock: str) -> Survey:
        """Finds the items that late writers left without their attributes, and fills them."""
        return late(self._job, clock, mend=True)

    def undo(self, on_progress: Callable[[Undone], None]) -> Undone:
        """Takes back what the journal notes."""
        return undo(self.journal, self._mender, on_progress)

    def _throttled(self, resource: str) -> None:
        # Whether reads or writes met the limit is not said: both give way.
        self.throttle.throttled(resource)
        self._reads.throttled(resource)
