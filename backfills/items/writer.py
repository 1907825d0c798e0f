"""Sending changes: one conditional UpdateItem each, or 25 conditional PartiQL statements in one request; and trying
whether a writer keeps to its conditions on this server, before it touches a real item.

scan reads the item ─── the application may write here ─── our write
                                                             │ only if: the item still exists,
                                                             │ each attribute we set is still missing,
                                                             │ each attribute we read is still what we read
                                                             └ else: the result holds the item as it now is
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from backfills.items.change import ItemChange, has_statement, statement, update_item
from dynamo.errors import error_code
from dynamo.reader import Reader
from dynamo.retry import Retry
from dynamo.units import consumed
from schema.backfill import Item
from schema.errors import Refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

STATEMENTS = 25
"""Statements that AWS takes in one BatchExecuteStatement."""
# A statement's own errors that another try may not meet. AWS documents them for BatchStatementError.
_THROTTLED = {"ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError"}
_TRANSIENT = {*_THROTTLED, "InternalServerError", "TransactionConflict"}
KEPT = {"S": "the application wrote this"}
OURS = {"S": "a backfill wrote this"}


class Status(StrEnum):
    """What became of one change."""

    DONE = "done"
    REFUSED = "refused by its condition"
    TOO_LARGE = "would grow past 400 KB"
    UNANSWERED = "to be sent again"


@dataclass(frozen=True)
class WriteResult:
    """What became of one change; a refused one comes with the item as it now is, or None: it was deleted."""

    status: Status
    found: Item | None = None


@dataclass(frozen=True)
class WriteResults:
    """The results of one request's changes, in their order; the write units that it took (None: the server does not
    say); and whether any of them was throttled."""

    each: list[WriteResult]
    units: float | None = None
    throttled: bool = False


class Writer(Protocol):
    """Sends changes of one table. `batch` is how many go into one request."""

    batch: int

    def send(self, changes: Sequence[ItemChange]) -> WriteResults:
        """One request. Raises ClientError or BotoCoreError, transient ones too: then nobody knows what was done."""


class SingleWriter:
    """One conditional UpdateItem for each change."""

    batch = 1

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def send(self, changes: Sequence[ItemChange]) -> WriteResults:
        """See Writer."""
        (change,) = changes
        try:
            answer = self._client.update_item(**update_item(self._table, change))
        except ClientError as error:
            # AWS has no code of its own for this one: only the message tells it from a mistake of ours.
            if error_code(error) == "ValidationException" and "Item size" in str(error):
                return WriteResults([WriteResult(Status.TOO_LARGE)])
            if error_code(error) == "ConditionalCheckFailedException":
                found: Any = error.response.get("Item")
                return WriteResults([WriteResult(Status.REFUSED, found or None)])
            raise
        return WriteResults([WriteResult(Status.DONE)], consumed(answer))


class BatchedWriter:
    """Up to 25 conditional PartiQL statements a request, each with its own condition and its own result."""

    batch = STATEMENTS

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._single = SingleWriter(client, table)

    def send(self, changes: Sequence[ItemChange]) -> WriteResults:
        """See Writer."""
        alone = [change for change in changes if not has_statement(change)]
        together = [change for change in changes if has_statement(change)]
        parts = [self._single.send([change]) for change in alone]
        if together:
            parts.append(self._send_statements(together))
        results = dict(zip(map(id, alone + together), (each for part in parts for each in part.each), strict=True))
        units = [part.units for part in parts if part.units is not None]
        return WriteResults(
            [results[id(change)] for change in changes],
            sum(units) if len(units) == len(parts) else None,
            any(part.throttled for part in parts),
        )

    def _send_statements(self, changes: Sequence[ItemChange]) -> WriteResults:
        statements: Any = [statement(self._table, change) for change in changes]
        answer = self._client.batch_execute_statement(Statements=statements, ReturnConsumedCapacity="TOTAL")
        responses: Any = answer["Responses"]
        throttled = any(_code(response) in _THROTTLED for response in responses)
        return WriteResults([self._result(response) for response in responses], consumed(answer), throttled)

    def _result(self, response: Any) -> WriteResult:
        code, error = _code(response), response.get("Error", {})
        if not code:
            return WriteResult(Status.DONE)
        if code == "ConditionalCheckFailed":
            return WriteResult(Status.REFUSED, error.get("Item") or None)
        if code in _TRANSIENT:
            return WriteResult(Status.UNANSWERED)
        if code == "ValidationError" and "Item size" in error.get("Message", ""):
            return WriteResult(Status.TOO_LARGE)
        # A statement's codes lack the suffix that requests' have: give it, so that they are translated alike.
        full = code if code.endswith("Exception") else f"{code}Exception"
        raise ClientError({"Error": {"Code": full, "Message": error.get("Message", "")}}, "BatchExecuteStatement")


WRITERS: dict[str, Callable[[DynamoDBClient, str], Writer]] = {"batched": BatchedWriter, "single": SingleWriter}
"""How each writer is made, by its name in the stack file."""


def _code(response: Any) -> str:
    return str(response.get("Error", {}).get("Code", ""))


def probe(client: DynamoDBClient, ledger: str, writer: str, retry: Retry, next: str) -> None:
    """Tries the writer on an item of its own in the table `ledger`, which it deletes afterwards: a change whose
    condition holds is made; one that would overwrite, one whose source has changed, and one of an item that does not
    exist are not. `next` is what to do about it otherwise.

    Raises Refused when the writer would overwrite or create anything.
    """
    send, read = WRITERS[writer](client, ledger).send, Reader(client, ledger, retry).item
    name = secrets.token_hex(8)
    key = {"PK": {"S": "PROBE"}, "SK": {"S": name}}
    absent = {"PK": {"S": "PROBE"}, "SK": {"S": f"{name}-absent"}}

    def result(change: ItemChange) -> WriteResult:
        return retry.call(lambda: send([change])).each[0]

    def stored() -> Item:
        return read(key) or {}

    faults: list[str] = []
    retry.call(lambda: client.put_item(TableName=ledger, Item={**key, "kept": KEPT, "source": KEPT}))
    try:
        refused = result(ItemChange(key, {"kept": OURS}, expected={"kept": None}))
        if refused.status is not Status.REFUSED or stored().get("kept") != KEPT:
            faults.append("it overwrites an attribute that the application has set")
        elif (refused.found or {}).get("kept") != KEPT:
            faults.append("a refused change does not come back with the item")
        result(ItemChange(key, {"guarded": OURS}, expected={"guarded": None, "source": OURS}))
        if "guarded" in stored():
            faults.append("it writes although the source has changed")
        result(ItemChange(absent, {"kept": OURS}, expected={"kept": None}))
        if read(absent) is not None:
            faults.append("it creates items that do not exist")
        result(ItemChange(key, {"added": OURS}, expected={"added": None, "source": KEPT}))
        if stored().get("added") != OURS:
            faults.append("it does not write what it should")
    finally:
        for item in (key, absent):
            retry.call(partial(client.delete_item, TableName=ledger, Key=item))
    if faults:
        raise Refused(
            f"The {writer} writer does not work safely on this server.",
            f"Tried on an item of the ledger: {'; '.join(faults)}. No other item was touched.",
            next,
        )
