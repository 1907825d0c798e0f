"""Writers hammer a table while it is backfilled. A model of what each of them did says what may be in it afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from backfills.progress.records import Counts
from backfills.run.assembly import Options
from stack.aws import dynamodb
from tests.backfilling import CLOCK, assembly, report
from tests.conftest import EmulatedStack

WRITERS = 3
KEYS_EACH = 250
SECONDS = 6
OPERATIONS = 3000
PATIENCE_SECONDS = 120
"""The writers get at least that long, and until they have done that many operations; a slow machine takes longer."""


@dataclass
class Modelled:
    """One key, which one writer alone writes: the attributes that it last wrote, and for each backfilled one that it
    left out, the values that a backfill may have put there since the writer last saw the item."""

    item: dict[str, Any] | None = None
    may_be_filled: dict[str, set[str]] = field(default_factory=dict)
    surprises: list[Any] = field(default_factory=list)

    def has_put(self, item: dict[str, Any]) -> None:
        self.item = item
        self._saw(item, {"status", "timestamp"} - set(item))

    def has_deleted(self) -> None:
        self.item, self.may_be_filled = None, {}

    def has_set(self, name: str, value: str, now: dict[str, Any]) -> None:
        """The writer set an attribute; `now` is the whole item right after that."""
        assert self.item is not None
        self.item = {**self.item, name: {"S": value}}
        self._check(now)
        self._saw(now, set(self.may_be_filled) - {name})

    def has_removed(self, name: str, now: dict[str, Any]) -> None:
        """The writer removed an attribute; `now` is the whole item right after that."""
        assert self.item is not None
        self.item = {known: value for known, value in self.item.items() if known != name}
        self._check(now)
        self._saw(now, set(self.may_be_filled) | ({name} & {"status", "timestamp"}))

    def _check(self, now: dict[str, Any]) -> None:
        if not self.explains(now):
            self.surprises.append((self.item, now))

    def _saw(self, now: dict[str, Any], left_out: set[str]) -> None:
        """What is filled by now stays so; what is not can only get what the sources give now."""
        fills = {"status": "published", "timestamp": now.get("createdAt", {"S": CLOCK})["S"]}
        self.may_be_filled = {name: {now[name]["S"] if name in now else fills[name]} for name in left_out}

    def explains(self, found: dict[str, Any] | None) -> bool:
        """Whether the stored item is what the writer left, but for what a backfill may have added."""
        if self.item is None or found is None:
            return self.item is None and found is None
        added = {name: value for name, value in found.items() if name not in self.item}
        return (
            {name: value for name, value in found.items() if name in self.item} == self.item
            and set(added) <= set(self.may_be_filled)
            and all(value["S"] in self.may_be_filled[name] for name, value in added.items())
        )


class Writer:
    """Creates, changes and deletes its own keys at random, and models what it did."""

    def __init__(self, stack: EmulatedStack, number: int, stop: threading.Event) -> None:
        self._client = dynamodb(stack.config)
        self._table = stack.config.physical_name("reports")
        self._random = random.Random(number)
        self._stop_asked = stop
        self.models = {number * KEYS_EACH + key: Modelled() for key in range(KEYS_EACH)}
        self.operations = 0

    def work(self) -> None:
        """Goes on until it is asked to stop."""
        while not self._stop_asked.is_set():
            self.act(self._random.choice(list(self.models)))
            self.operations += 1

    def act(self, number: int) -> None:
        """One random operation on one key."""
        model = self.models[number]
        if model.item is None:
            return self._put(number, model)
        operations: list[Callable[[int, Modelled], None]] = [
            self._put,
            self._delete,
            self._set,
            self._set,
            self._remove,
        ]
        return self._random.choice(operations)(number, model)

    def _put(self, number: int, model: Modelled) -> None:
        attributes = {"body": self._word()}
        for name in ("createdAt", "status", "timestamp"):
            if self._random.random() < 0.3:
                attributes[name] = self._word()
        item = report(number, **attributes)
        self._client.put_item(TableName=self._table, Item=item)
        model.has_put(item)

    def _delete(self, number: int, model: Modelled) -> None:
        self._client.delete_item(TableName=self._table, Key=report(number))
        model.has_deleted()

    def _set(self, number: int, model: Modelled) -> None:
        name, value = self._random.choice(["status", "timestamp", "createdAt", "body"]), self._word()
        model.has_set(name, value, self._update(number, "SET #n = :v", name, {":v": {"S": value}}))

    def _remove(self, number: int, model: Modelled) -> None:
        name = self._random.choice(["status", "timestamp", "createdAt"])
        model.has_removed(name, self._update(number, "REMOVE #n", name, None))

    def _update(self, number: int, expression: str, name: str, values: Any) -> dict[str, Any]:
        parameters: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        answer = self._client.update_item(
            TableName=self._table,
            Key=report(number),
            UpdateExpression=expression,
            ExpressionAttributeNames={"#n": name},
            ReturnValues="ALL_NEW",
            **parameters,
        )
        return dict(answer["Attributes"])

    def _word(self) -> str:
        """A text that no other write uses."""
        return f"{self._random.getrandbits(64):016x}"


@pytest.mark.parametrize("writer", ["batched", "single"])
def test_nothing_is_lost_resurrected_or_overwritten_while_writers_hammer_the_table(
    dynamodb_local: EmulatedStack, writer: str
) -> None:
    dynamodb_local.create("reports", [])
    stop = threading.Event()
    writers = [Writer(dynamodb_local, number, stop) for number in range(WRITERS)]
    for one in writers:
        for key in one.models:
            one.act(key)
    threads = [threading.Thread(target=one.work, daemon=True) for one in writers]
    for thread in threads:
        thread.start()
    totals = Counts()
    began = time.monotonic()

    def enough() -> bool:
        elapsed = time.monotonic() - began
        done = sum(one.operations for one in writers) >= OPERATIONS
        return elapsed > PATIENCE_SECONDS or (elapsed > SECONDS and done and totals.changed > 1000)

    while not enough():
        # Small pages, so that what was read is old by the time it is written.
        work = assembly(dynamodb_local, "reports", Options(writer=writer, segments=4, page_items=100, journal=False))
        counts = work.run(CLOCK).counts
        totals.add(counts)
    stop.set()
    for thread in threads:
        thread.join()
    assert [model.surprises for one in writers for model in one.models.values() if model.surprises] == []
    found = dynamodb_local.items("reports")
    models = {(f"REPORT#{number:05}", "METADATA"): m for one in writers for number, m in one.models.items()}
    wrong = {key: (model, found.get(key)) for key, model in models.items() if not model.explains(found.get(key))}
    assert wrong == {}
    assert set(found) <= set(models)
    assert sum(one.operations for one in writers) >= OPERATIONS
    assert totals.changed > 1000
    assert totals.raced > 10

    last = assembly(dynamodb_local, "reports", Options(writer=writer, journal=False)).run(CLOCK).counts
    assert last.remaining == 0
    found = dynamodb_local.items("reports")
    assert all({"status", "timestamp"} <= set(item) for item in found.values())
    assert all(model.explains(found.get(key)) for key, model in models.items())
