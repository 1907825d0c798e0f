"""The numbers of new items, noted in the ledger before they are used; and the removal of those items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo.errors import error_code
from dynamo.retry import Retry, Unanswered
from dynamo.throttle import Throttle
from dynamo.values import plain
from loadtest.items import MARK, new_key
from loadtest.records import WritingNote, forget, note, writing
from schema.errors import Refused
from stack.ledger.ledger import Ledger

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

BATCH = 25
"""Items that one BatchWriteItem removes (AWS)."""
BLOCK_SECONDS = 10
"""For how long the numbers last that are noted at a time, at least LEAST_BLOCK. After a kill so many removals may meet
no item; each takes a unit all the same."""
LEAST_BLOCK = 20


class Numbers:
    """Hands out the numbers of new items, by physical table. The ledger knows of each before it is used."""

    def __init__(self, ledger: Ledger, found: WritingNote, rates: Mapping[str, float]) -> None:
        self._ledger = ledger
        self._note = found
        self._blocks = {table: max(LEAST_BLOCK, int(rate * BLOCK_SECONDS)) for table, rate in rates.items()}
        self._next = dict.fromkeys(rates, 0)
        self._lock = threading.Lock()

    def next(self, table: str) -> int:
        """The next number. Raises LeaseLost."""
        with self._lock:
            number = self._next[table]
            if number >= self._note.most.get(table, 0):
                most = {**self._note.most, table: number + self._blocks[table]}
                self._note = replace(self._note, most=most)
                note(self._ledger, self._note)
            self._next[table] = number + 1
            return number

    def used(self) -> None:
        """Notes that no more numbers are used than were handed out: what a removal is then spared. Raises LeaseLost."""
        with self._lock:
            used = {name: count for name, count in self._next.items() if count}
            if used != self._note.most:
                self._note = replace(self._note, most=used)
                note(self._ledger, self._note)


def clean(
    client: DynamoDBClient, ledger: Ledger, safe_point: Callable[[], None], progress: Callable[[int, int], None]
) -> int:
    """Removes every item that a load test has written or may have written, at the rate at which it wrote, and then the
    note. Returns how many keys it removed; some of them may have had no item. Harmless to repeat. Raises ToolError."""
    found = writing(ledger)
    if found is None:
        return 0
    if not found.mark.startswith(MARK):
        raise Refused(
            "The ledger's note of a load test names no mark of ours.",
            f"It says {found.mark!r}. Without the mark real items could be meant.",
            "Look at the record LOADTEST / WRITING of the ledger.",
        )
    total, done = sum(found.most.values()), 0
    stop = threading.Event()
    throttle = Throttle(max(1.0, found.rate), stop)
    for table, most in found.most.items():
        retry = Retry(table, stop, throttle.throttled)
        numbers = iter(_keys(found, table, most))
        while keys := list(islice(numbers, BATCH)):
            safe_point()
            throttle.acquire(len(keys))
            if not _remove(client, table, keys, retry):
                break
            done += len(keys)
            progress(done, total)
    forget(ledger)
    return done


def _keys(found: WritingNote, table: str, most: int) -> Iterator[dict[str, Any]]:
    # The ledger gives bytes in a wrapper of the SDK's.
    stems = [
        {name: {kind: plain(held) for kind, held in value.items()} for name, value in stem.items()}
        for stem in found.stems[table]
    ]
    for number in range(most):
        yield new_key(found.partition_keys[table], stems[number % len(stems)], found.mark, number)


def _remove(client: DynamoDBClient, table: str, keys: list[dict[str, Any]], retry: Retry) -> bool:
    """Returns whether the table is there. One that is gone, as a new one after its rollback, took its items along."""
    left: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]

    def ask() -> None:
        nonlocal left
        left = client.batch_write_item(RequestItems={table: left}).get("UnprocessedItems", {}).get(table, [])
        if left:
            raise Unanswered(f"{len(left)} items were not removed")

    try:
        retry.call(ask)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return False
    return True
