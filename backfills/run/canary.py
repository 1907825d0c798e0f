"""The first write of a backfill: one item is written, read back and compared before any other is touched."""

from __future__ import annotations

import threading

from backfills.items.transform import Transform
from backfills.items.writer import Status
from backfills.run.job import Job
from dynamo.retry import Stopped
from schema.backfill import Item
from schema.errors import VerificationFailed


class Canary:
    """Shared by all workers: the first that has an item to write tries it, and all others wait for that."""

    def __init__(self, job: Job, transform: Transform) -> None:
        self._job = job
        self._transform = transform
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failed = False

    def try_first(self, items: list[Item]) -> list[Item]:
        """Tries the first of the items that needs a write, if no item was tried before. Returns those that are left to
        write. Raises VerificationFailed, and Stopped to those who waited for that."""
        if self._over.is_set():
            return items
        with self._lock:
            if self._failed:
                raise Stopped
            if self._over.is_set():
                return items
            for number, item in enumerate(items):
                if self._is_written(item):
                    self._over.set()
                    return [*items[:number], *items[number + 1 :]]
        return items

    def _is_written(self, item: Item) -> bool:
        _, change = self._transform.missing(item)
        if change is None:
            return False
        (result,) = self._job.mender.send([change])
        if result.status is not Status.DONE:
            return False
        found = self._job.reader.item(change.key) or {}
        for attribute, value in change.sets.items():
            if found.get(attribute) != value:
                self._failed = True
                raise VerificationFailed(
                    f"The canary item of {self._job.target.table} read back wrong.",
                    f"{change.key}: {attribute} should be {value['S']!r}. The run stopped there.",
                    "Compare the rule of that attribute with the item.",
                )
        return True
