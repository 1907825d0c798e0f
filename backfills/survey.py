"""Looking without writing: what a backfill would change, and which filled values have gone stale."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backfills.counts import Counts
from backfills.mender import Mender, shown_key
from backfills.reader import Reader, side_by_side
from backfills.scan import Page, Selection, filled, needing_work
from backfills.skew import Spread, spreads
from backfills.target import Target
from backfills.transform import Transform
from schema.backfill import Filled, Given, Item, apply_rules

EXAMPLES = 5


@dataclass
class Survey:
    """What was found: `counts`, with `remaining` as the items that would change (and `changed` those that were mended);
    a few of them as `examples` (key as JSON, new and old value by attribute); how the new indexes' partition keys
    spread; and the read `units` of the scan, as far as the server says."""

    counts: Counts = field(default_factory=Counts)
    examples: list[dict[str, Any]] = field(default_factory=list)
    spreads: list[Spread] = field(default_factory=list)
    units: float = 0.0


class Surveyor:
    """Looks at one target; `on_progress` is told the counts after each page."""

    def __init__(
        self,
        target: Target,
        transform: Transform,
        reader: Reader,
        segments: int,
        workers: int,
        stop: threading.Event,
        on_progress: Callable[[Counts], None],
    ) -> None:
        self._target = target
        self._transform = transform
        self._reader = reader
        self._segments = segments
        self._workers = workers
        self._stop = stop
        self._on_progress = on_progress
        self._lock = threading.Lock()

    def dry_run(self, clock: str) -> Survey:
        """What a backfill would change now, at that reading of the clock. Writes nothing."""
        survey = self.late(None)
        survey.spreads = spread_of(self._target, self._reader, self._segments, clock)
        return survey

    def late(self, mender: Mender | None) -> Survey:
        """Which items lack an attribute, or hold what no index takes; with a mender they are filled."""
        return self._look(needing_work(self._target), self._would_fill, mender)

    def check(self, mender: Mender | None) -> Survey:
        """Which filled values are no longer what their sources give; with a mender they are mended."""
        return self._look(filled(self._target), self._transform.stale, mender)

    def _would_fill(self, item: Item) -> tuple[Filled, Any]:
        found, change = self._transform.missing(item)
        reasons = {reason: reason for reason in self._target.unfit_keys(item)}
        return Filled(found.values, {**found.reasons, **reasons}), change

    def _example(self, item: Item, found: Filled) -> dict[str, Any]:
        was = {name: item.get(name) for name in found.values}
        return {"key": shown_key(self._target, item), "values": dict(found.values), "was": was}

    def _look(
        self, selection: Selection, wanted: Callable[[Item], tuple[Filled, Any]], mender: Mender | None
    ) -> Survey:
        survey = Survey(Counts(passes=1))

        def segment(number: int) -> None:
            for page in self._reader.pages(selection, number, self._segments):
                counts = Counts(scanned=page.scanned, skipped=page.scanned - len(page.items))
                units = page.units or 0.0
                examples: list[dict[str, Any]] = []
                changing: list[Item] = []
                for item in page.items:
                    found, change = wanted(item)
                    counts.violations.update(found.reasons.values())
                    counts.unfit += bool(found.reasons)
                    counts.remaining += change is not None
                    counts.skipped += change is None
                    if change is not None:
                        changing.append(item)
                        if len(examples) < EXAMPLES:
                            examples.append(self._example(item, found))
                if mender is not None:
                    mended = mender.mend(changing, wanted).counts
                    counts.changed, counts.raced, counts.deleted = mended.changed, mended.raced, mended.deleted
                with self._lock:
                    survey.counts.add(counts)
                    survey.units += units
                    survey.examples += examples[: EXAMPLES - len(survey.examples)]
                    self._on_progress(survey.counts)

        side_by_side(self._segments, self._workers, self._stop, segment)
        return survey


def spread_of(target: Target, reader: Reader, segments: int, clock: str) -> list[Spread]:
    """How each new index's partition key spreads, with the values that items without one will get."""

    def value_of(item: Item, attribute: str) -> str | None:
        if attribute in item:
            return next(iter(str(value) for value in item[attribute].values()))
        if attribute not in target.backfill.rules:
            return None
        return apply_rules(target.backfill, item, Given(clock), [attribute]).values.get(attribute)

    def read(segment: int, selection: Selection, limit: int) -> Page:
        return reader.page(selection, segment, segments, limit=limit)

    return spreads(target, segments, read, value_of)
