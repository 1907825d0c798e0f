"""Tries whether a writer keeps to its conditions on this server, before it touches a real item."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

from backfills.items.change import ItemChange
from backfills.items.writer import WRITERS, Status, WriteResult
from dynamo.reader import Reader
from dynamo.retry import Retry
from schema.backfill import Item
from schema.errors import Refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEPT = {"S": "the application wrote this"}
OURS = {"S": "a backfill wrote this"}


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
