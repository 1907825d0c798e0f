"""Looking at a whole table: what a backfill would change, and which filled values have gone stale."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from backfills.items.change import ItemChange
from backfills.items.selecting import filled, needing_work
from backfills.items.transform import Transform
from backfills.progress.counts import Counts
from backfills.run.job import Job
from backfills.run.key_spread import KeySpread, key_spreads
from backfills.run.mender import Wanted, shown_key
from dynamo.expressions import Expressions
from schema.backfill import Filled, Item

EXAMPLES = 5


@dataclass
class Survey:
    """What was found: `counts`, with `remaining` as the items that would change (and `changed` those that were mended);
    a few of them as `examples` (key as JSON, new and old value by attribute); how the new indexes' partition keys
    spread; and the read `units` of the scan, as far as the server says."""

    counts: Counts = field(default_factory=Counts)
    examples: list[dict[str, Any]] = field(default_factory=list)
    spreads: list[KeySpread] = field(default_factory=list)
    units: float = 0.0


class Surveyor:
    """Looks at the target of one job, at one reading of the clock."""

    def __init__(self, job: Job, clock: str) -> None:
        self._job = job
        self._clock = clock
        self._transform = Transform(job.target, job.reader, clock)
        self._lock = threading.Lock()

    def dry_run(self) -> Survey:
        """What a backfill would change now. Writes nothing."""
        survey = self.late(mend=False)
        survey.spreads = key_spreads(self._job, self._clock)
        return survey

    def late(self, *, mend: bool) -> Survey:
        """Which items lack an attribute, or hold what no index takes; filled, if so asked."""
        return self._look(needing_work(self._job.target), self._would_fill, mend=mend)

    def check(self, *, mend: bool) -> Survey:
        """Which filled values are no longer what their sources give; mended, if so asked."""
        return self._look(filled(self._job.target), self._transform.stale, mend=mend)

    def _would_fill(self, item: Item) -> tuple[Filled, ItemChange | None]:
        found, change = self._transform.missing(item)
        reasons = {reason: reason for reason in self._job.target.violations(item)}
        return Filled(found.values, {**found.reasons, **reasons}), change

    def _example(self, item: Item, found: Filled) -> dict[str, Any]:
        was = {name: item.get(name) for name in found.values}
        return {"key": shown_key(self._job.target, item), "values": dict(found.values), "was": was}

    def _look(self, selection: Expressions, wanted: Wanted, *, mend: bool) -> Survey:
        survey, job = Survey(Counts(passes=1)), self._job

        def segment(number: int) -> None:
            for page in job.reader.scan(selection, number, job.segments):
                counts = Counts(scanned=page.scanned, skipped=page.scanned - len(page.items))
                examples: list[dict[str, Any]] = []
                changing: list[Item] = []
                for item in page.items:
                    found, change = wanted(item)
                    counts.violations.update(found.reasons.values())
                    counts.violating += bool(found.reasons)
                    counts.remaining += change is not None
                    counts.skipped += change is None
                    if change is not None:
                        changing.append(item)
                        if len(examples) < EXAMPLES:
                            examples.append(self._example(item, found))
                if mend:
                    mended = job.mender.mend(changing, wanted).counts
                    counts.changed, counts.raced, counts.deleted = mended.changed, mended.raced, mended.deleted
                with self._lock:
                    survey.counts.add(counts)
                    survey.units += page.units or 0.0
                    survey.examples += examples[: EXAMPLES - len(survey.examples)]
                    job.on_progress(survey.counts)

        job.each_segment(segment)
        return survey
