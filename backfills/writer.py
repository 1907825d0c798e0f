"""Sending changes: one conditional UpdateItem each, or 25 conditional PartiQL statements in one request.

scan reads the item ─── the application may write here ─── our write
                                                             │ only if: the item still exists,
                                                             │ each attribute we set is still missing,
                                                             │ each attribute we read is still what we read
                                                             └ else: the answer holds the item as it now is
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from backfills.change import Change, has_statement, statement, update_item
from dynamo.errors import error_code
from schema.backfill import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

STATEMENTS = 25
"""Statements that AWS takes in one BatchExecuteStatement."""
# A statement's own errors that another try may not meet. AWS documents them for BatchStatementError.
_THROTTLED = {"ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError"}
_TRANSIENT = {*_THROTTLED, "InternalServerError", "TransactionConflict"}


class Status(StrEnum):
    """What became of one change."""

    DONE = "done"
    REFUSED = "refused by its condition"
    TOO_LARGE = "would grow past 400 KB"
    UNANSWERED = "to be sent again"


@dataclass(frozen=True)
class Answer:
    """The answer to one change; a refused one comes with the item as it now is, or None: it was deleted."""

    status: Status
    found: Item | None = None


@dataclass(frozen=True)
class Answers:
    """The answers to one request's changes, in their order; the write units it cost (None: the server does not say);
    and whether any of them was throttled."""

    each: list[Answer]
    units: float | None = None
    throttled: bool = False


class Writer(Protocol):
    """Sends changes of one table. `batch` is how many go into one request."""

    batch: int

    def send(self, changes: Sequence[Change]) -> Answers:
        """One request. Raises ClientError or BotoCoreError, transient ones too: then nobody knows what was done."""


class SingleWriter:
    """One conditional UpdateItem for each change."""

    batch = 1

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def send(self, changes: Sequence[Change]) -> Answers:
        """See Writer."""
        (change,) = changes
        try:
            answer = self._client.update_item(**update_item(self._table, change))
        except ClientError as error:
            # AWS has no code of its own for this one: only the message tells it from a mistake of ours.
            if error_code(error) == "ValidationException" and "Item size" in str(error):
                return Answers([Answer(Status.TOO_LARGE)])
            if error_code(error) == "ConditionalCheckFailedException":
                found: Any = error.response.get("Item")
                return Answers([Answer(Status.REFUSED, found or None)])
            raise
        return Answers([Answer(Status.DONE)], answer.get("ConsumedCapacity", {}).get("CapacityUnits"))


class BatchedWriter:
    """Up to 25 conditional PartiQL statements a request, each with its own condition and its own answer."""

    batch = STATEMENTS

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._single = SingleWriter(client, table)

    def send(self, changes: Sequence[Change]) -> Answers:
        """See Writer."""
        apart = [change for change in changes if not has_statement(change)]
        if not apart:
            return self._send_statements(changes)
        together = [change for change in changes if has_statement(change)]
        parts = [self._single.send([change]) for change in apart]
        if together:
            parts.append(self._send_statements(together))
        answers = dict(zip(map(id, apart + together), (each for part in parts for each in part.each), strict=True))
        paid = [part.units for part in parts]
        return Answers(
            [answers[id(change)] for change in changes],
            None if None in paid else sum(units for units in paid if units is not None),
            any(part.throttled for part in parts),
        )

    def _send_statements(self, changes: Sequence[Change]) -> Answers:
        statements: Any = [statement(self._table, change) for change in changes]
        answer = self._client.batch_execute_statement(Statements=statements, ReturnConsumedCapacity="TOTAL")
        responses: Any = answer["Responses"]
        paid = [consumed["CapacityUnits"] for consumed in answer.get("ConsumedCapacity", [])]
        throttled = any(_code(response) in _THROTTLED for response in responses)
        return Answers([self._answer(response) for response in responses], sum(paid) if paid else None, throttled)

    def _answer(self, response: Any) -> Answer:
        code, error = _code(response), response.get("Error", {})
        if not code:
            return Answer(Status.DONE)
        if code == "ConditionalCheckFailed":
            return Answer(Status.REFUSED, error.get("Item") or None)
        if code in _TRANSIENT:
            return Answer(Status.UNANSWERED)
        if code == "ValidationError" and "Item size" in error.get("Message", ""):
            return Answer(Status.TOO_LARGE)
        # A statement's codes lack the suffix that requests' have: give it, so that they are translated alike.
        full = code if code.endswith("Exception") else f"{code}Exception"
        raise ClientError({"Error": {"Code": full, "Message": error.get("Message", "")}}, "BatchExecuteStatement")


WRITERS: dict[str, Callable[[DynamoDBClient, str], Writer]] = {"batched": BatchedWriter, "single": SingleWriter}
"""How each writer is made, by its name in the stack file."""


def _code(response: Any) -> str:
    return str(response.get("Error", {}).get("Code", ""))
