"""Looking at a whole table: what a backfill would change, and which filled values have gone stale."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from backfills.items.change import ItemChange
from backfills.items.target import filled, needing_work
from backfills.items.transform import Transform
from backfills.progress.records import Counts
from backfills.run.key_spread import KeySpread, key_spreads
from backfills.run.mender import Job, Wanted, shown_key
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


def dry_run(job: Job, clock: str) -> Survey:
    """What a backfill would change now, at that reading of the clock. Writes nothing."""
    survey = late(job, clock, mend=False)
    survey.spreads = key_spreads(job, clock)
    return survey


def late(job: Job, clock: str, *, mend: bool) -> Survey:
    """Which items lack an attribute, or hold what no index takes; filled, if so asked."""
    missing = Transform(job.target, job.reader, clock).missing

    def wanted(item: Item) -> tuple[Filled, ItemChange | None]:
        found, change = missing(item)
        reasons = {reason: reason for reason in job.target.violations(item)}
        return Filled(found.values, {**found.reasons, **reasons}), change

    return _look(job, needing_work(job.target), wanted, mend=mend)


def stale(job: Job, clock: str, *, mend: bool) -> Survey:
    """Which filled values are no longer what their sources give; mended, if so asked."""
    return _look(job, filled(job.target), Transform(job.target, job.reader, clock).stale, mend=mend)


def _look(job: Job, selection: Expressions, wanted: Wanted, *, mend: bool) -> Survey:
    survey, lock = Survey(Counts(passes=1)), threading.Lock()

    def segment(number: int) -> None:
        for page in job.reader.scan(selection, number, job.segments):
            counts = Counts(scanned=page.scanned)
            examples: list[dict[str, Any]] = []
            changing: list[Item] = []
            for item in page.items:
                found, change = wanted(item)
                counts.violations.update(found.reasons.values())
                counts.violating += bool(found.reasons)
                if change is None:
                    continue
                changing.append(item)
                if len(examples) < EXAMPLES:
                    was = {name: item.get(name) for name in found.values}
                    examples.append({"key": shown_key(job.target, item), "values": dict(found.values), "was": was})
            counts.remaining, counts.skipped = len(changing), page.scanned - len(changing)
            if mend:
                mended = job.mender.mend(changing, wanted).counts
                counts.changed, counts.raced, counts.deleted = mended.changed, mended.raced, mended.deleted
            with lock:
                survey.counts.add(counts)
                survey.units += page.units or 0.0
                survey.examples += examples[: EXAMPLES - len(survey.examples)]
                job.on_progress(survey.counts)

    job.each_segment(segment)
    return survey
