"""The first write of a backfill: one item is written, read back and compared before any other is touched."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from backfills.mender import Mender
from backfills.target import Target
from backfills.transform import Transform
from backfills.writer import Status
from dynamo.retry import Patience, Stopped
from schema.backfill import Item
from schema.errors import VerificationFailed

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class Canary:
    """Shared by all workers: the first that has an item to write tries it, and all others wait for that."""

    def __init__(
        self, client: DynamoDBClient, target: Target, mender: Mender, transform: Transform, patience: Patience
    ) -> None:
        self._client = client
        self._target = target
        self._mender = mender
        self._transform = transform
        self._patience = patience
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
        (answer,) = self._mender.send([change])
        if answer.status is not Status.DONE:
            return False
        key: Any = dict(change.key)
        found = self._patience.call(
            lambda: self._client.get_item(TableName=self._target.table, Key=key, ConsistentRead=True)
        ).get("Item", {})
        for attribute, value in change.sets.items():
            if found.get(attribute) != value:
                self._failed = True
                raise VerificationFailed(
                    f"The canary item of {self._target.table} read back wrong.",
                    f"{key}: {attribute} should be {value['S']!r}. The run stopped there.",
                    "Compare the rule in backfills/ with the item.",
                )
        return True
