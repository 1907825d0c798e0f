"""Changing the items of one page: each until it is as it should be, or the application has decided otherwise."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from backfills.change import Change
from backfills.counts import Counts
from backfills.journal import Journal
from backfills.target import Target
from backfills.writer import Answer, Status, Writer
from dynamo.retry import Patience, Unanswered
from dynamo.throttle import Throttle
from schema.backfill import Filled, Item

MAXIMUM_RACES = 20
"""How often one item is computed again before it is left to the next pass."""
WRITE_UNIT = 1024
"""Bytes that one write unit covers."""

Wanted = Callable[[Item], tuple[Filled, Change | None]]
"""What an item gets, and the change that gives it (None: nothing to change)."""


@dataclass
class Mended:
    """What became of a page's items; `unfit` are the reported keys (as JSON), with reasons."""

    counts: Counts
    unfit: dict[str, list[str]]


class Mender:
    """Applies changes to one target, with whatever all workers share: the writer, the throttle, the journal, and the
    `guard` that is asked before each write."""

    def __init__(
        self,
        target: Target,
        writer: Writer,
        throttle: Throttle,
        patience: Patience,
        journal: Journal | None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._target = target
        self._writer = writer
        self._throttle = throttle
        self._patience = patience
        self._journal = journal
        self._guard = guard
        self._lock = threading.Lock()
        self._units_each = float(ceil(target.item_size / WRITE_UNIT))

    def mend(self, items: Iterable[Item], wanted: Wanted) -> Mended:
        """Changes what `wanted` says, and again from the item as it then is where the application was faster.

        Raises ClientError, ToolError or Stopped; then some of the items are changed, and none of them half.
        """
        counts, unfit = Counts(), dict[str, list[str]]()
        pending = list(items)
        for _ in range(MAXIMUM_RACES):
            pending = self._round(pending, wanted, counts, unfit)
            counts.raced += len(pending)
            if not pending:
                break
        counts.remaining += len(pending)
        counts.unfit = len(unfit)
        counts.violations.update(reason for reasons in unfit.values() for reason in reasons)
        return Mended(counts, unfit)

    def _round(self, items: Sequence[Item], wanted: Wanted, counts: Counts, unfit: dict[str, list[str]]) -> list[Item]:
        """Tries each item once. Returns those that the application changed meanwhile, as they now are."""
        work: list[tuple[Item, Change]] = []
        for item in items:
            filled, change = wanted(item)
            self._report(item, [*filled.reasons.values(), *self._target.unfit_keys(item)], unfit)
            if change is None:
                counts.skipped += 1
            else:
                work.append((item, change))
        again: list[Item] = []
        for (item, _), answer in zip(work, self.send([change for _, change in work]), strict=True):
            if answer.status is Status.DONE:
                counts.changed += 1
                counts.remaining += 1
            elif answer.status is Status.TOO_LARGE:
                self._report(item, [Status.TOO_LARGE], unfit)
            else:
                # Whatever was reported of it was about an item that is no more.
                unfit.pop(shown_key(self._target, item), None)
                counts.deleted += answer.found is None
                if answer.found is not None:
                    again.append(answer.found)
        return again

    def send(self, changes: Sequence[Change], *, noting: bool = True) -> list[Answer]:
        """Makes the changes, in requests that keep to the throttle, and returns their answers in order."""
        if self._journal is not None and noting:
            journal = self._journal
            self._patience.call(lambda: journal.note(changes))
        answers: list[Answer] = []
        left = list(changes)
        while left:
            size = min(self._writer.batch, self._throttle.largest_request(self._units_each))
            answers += self._request(left[:size])
            del left[:size]
        return answers

    def _request(self, changes: Sequence[Change]) -> list[Answer]:
        """One request, and what of it went unanswered again."""
        answers: dict[int, Answer] = {}
        tried: set[int] = set()

        def attempt() -> None:
            left = [number for number in range(len(changes)) if number not in answers]
            estimated = self._units_each * len(left)
            self._throttle.acquire(estimated)
            again = set(tried)
            tried.update(left)
            self._guard()
            found = self._writer.send([changes[number] for number in left])
            self._learn(estimated, found.units, len(left))
            if found.throttled:
                self._throttle.throttled(self._target.table)
            for number, answer in zip(left, found.each, strict=True):
                if number in again and _is_ours(changes[number], answer):
                    answers[number] = Answer(Status.DONE)
                elif answer.status is not Status.UNANSWERED:
                    answers[number] = answer
            if len(answers) < len(changes):
                raise Unanswered(
                    f"{len(changes) - len(answers)} of {len(left)} statements were throttled or met a fault"
                )

        self._patience.call(attempt)
        return [answers[number] for number in range(len(changes))]

    def _learn(self, estimated: float, units: float | None, count: int) -> None:
        self._throttle.settle(estimated, units)
        if units is not None:
            with self._lock:
                self._units_each += (max(1.0, units / count) - self._units_each) * 0.2

    def _report(self, item: Item, reasons: Iterable[str], unfit: dict[str, list[str]]) -> None:
        for reason in reasons:
            known = unfit.setdefault(shown_key(self._target, item), [])
            if reason not in known:
                known.append(str(reason))


def shown_key(target: Target, item: Item) -> str:
    """The item's key as JSON, for a file or a message."""
    return json.dumps(target.key_of(item), default=repr, ensure_ascii=False)


def _is_ours(change: Change, answer: Answer) -> bool:
    """Whether a refusal only says that an earlier try, whose answer was lost, had made the change."""
    found = answer.found
    if answer.status is not Status.REFUSED or found is None:
        return False
    return all(found.get(name) == value for name, value in change.sets.items()) and not any(
        name in found for name in change.removes
    )
