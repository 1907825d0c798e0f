"""The parts of one backfill put together: what its workers share, and what it can be asked to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backfills.checkpoint import Checkpoint, Records
from backfills.counts import Counts
from backfills.journal import Journal
from backfills.mender import Mender
from backfills.rates import Rates
from backfills.reader import Reader, segments_for
from backfills.runner import BackfillRun, Result
from backfills.survey import Survey, Surveyor
from backfills.target import Target
from backfills.transform import Transform
from backfills.undo import Undone, undo
from backfills.writer import WRITERS
from dynamo.retry import Patience
from dynamo.throttle import Throttle

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

JOURNALED_ITEMS = 1_000_000
"""Tables with fewer items are backfilled with a journal, unless the stack file says otherwise."""
FAST = Rates(write=1e9, read=1e9)


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
    """Everything about the backfill of one target: `table` is its name in the schema, `table_id` AWS's id of it.

    `client` tries each request once; setting `stop` ends it at the next request. `guard` is called before each write:
    what it raises ends the backfill.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        target: Target,
        records: Records,
        table: str,
        table_id: str,
        options: Options,
        on_progress: Callable[[Counts], None] = lambda counts: None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self.stop = threading.Event()
        self.throttle = Throttle(options.rates.write, self.stop)
        self.checkpoint = Checkpoint(records, table)
        self._reads = Throttle(options.rates.read, self.stop)
        self.patience = Patience(target.table, self.stop, self._throttled)
        self.journal = Journal(records, table, table_id)
        self._client = client
        self._target = target
        self._table_id = table_id
        self._options = options
        self._on_progress = on_progress
        journaled = target.item_count < JOURNALED_ITEMS if options.journal is None else options.journal
        writer = WRITERS[options.writer](client, target.table)
        kept = self.journal if journaled else None
        self._mender = Mender(target, writer, self.throttle, self.patience, kept, guard)
        self._reader = Reader(client, target, self._reads, self.patience, options.page_items)

    def run(self, clock: str, unfit_file: Path | None = None) -> Result:
        """Backfills, or goes on where the last run of the same backfill was left, at that one's clock."""
        attributes = self._target.backfill.attributes
        self.patience.call(lambda: self.checkpoint.open(self._table_id, attributes, clock, self._segments))
        run = BackfillRun(
            self._client,
            self._target,
            self.checkpoint,
            self._mender,
            self._reader,
            self.patience,
            self.throttle,
            self.stop,
            self._options.workers,
            self._on_progress,
            unfit_file,
        )
        return run.run()

    def dry_run(self, clock: str) -> Survey:
        """What a backfill would change now. Writes nothing."""
        return self._surveyor(clock).dry_run(clock)

    def check(self, *, mend: bool) -> Survey:
        """Which filled values have gone stale; mended, if so asked."""
        last = self.checkpoint.last()
        clock = last.clock if last else ""
        return self._surveyor(clock).check(self._mender if mend else None)

    def late(self, clock: str) -> Survey:
        """Finds the items that late writers left without their attributes, and fills them."""
        return self._surveyor(clock).late(self._mender)

    def undo(self, on_progress: Callable[[Undone], None]) -> Undone:
        """Takes back what the journal notes."""
        return undo(self.journal, self._mender, on_progress)

    @property
    def _segments(self) -> int:
        return self._options.segments or segments_for(self._target.size)

    def _surveyor(self, clock: str) -> Surveyor:
        transform = Transform(self._client, self._target, clock, self.patience)
        return Surveyor(
            self._target, transform, self._reader, self._segments, self._options.workers, self.stop, self._on_progress
        )

    def _throttled(self, resource: str) -> None:
        # Whether reads or writes met the limit is not said: both give way.
        self.throttle.throttled(resource)
        self._reads.throttled(resource)
