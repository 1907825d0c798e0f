"""Backfills on an emulated stack, put together as a run would."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from backfills.items.target import Target, target_of
from backfills.progress.records import Counts
from backfills.run.assembly import Assembly, Options
from sitelogix.tables import SITELOGIX
from stack.aws import dynamodb_once
from stack.ledger.ledger import Ledger
from tests.conftest import EmulatedStack

CLOCK = "2026-01-02T03:04:05Z"
TABLE_ID = "an-id"


def target(stack: EmulatedStack, table: str) -> Target:
    """The table as a target, with the emulator's own figures."""
    physical = stack.config.physical_name(table)
    described = stack.client.describe_table(TableName=physical)["Table"]
    count, size = described["ItemCount"], described["TableSizeBytes"]
    return target_of(SITELOGIX.table(table), physical, TABLE_ID, count, size)


def assembly(
    stack: EmulatedStack,
    table: str,
    options: Options | None = None,
    client: Any = None,
    on_progress: Callable[[Counts], None] = lambda counts: None,
) -> Assembly:
    """The table's backfill with a ledger of its own, both over `client`."""
    once = client or dynamodb_once(stack.config)
    Ledger(stack.client, stack.config).create()
    ledger = Ledger(client or stack.client, stack.config)
    return Assembly(once, target(stack, table), ledger, options or Options(), on_progress)


def report(number: int, **attributes: str) -> dict[str, Any]:
    """An item of reports with these texts."""
    typed = {name: {"S": value} for name, value in attributes.items()}
    return {"PK": {"S": f"REPORT#{number:05}"}, "SK": {"S": "METADATA"}, **typed}


class Counting:
    """A client that notes when how many write units were sent: these items are below 1 KB, so one unit each."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent: list[tuple[float, int]] = []

    def batch_execute_statement(self, **parameters: Any) -> Any:
        self.sent.append((time.monotonic(), len(parameters["Statements"])))
        return self._client.batch_execute_statement(**parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Killed(BaseException):
    """Stands for kill -9: no `except Exception` sees it."""


class Mortal:
    """A client that dies before or after its n-th request, and answers no request from then on. Shared by threads."""

    def __init__(self, client: Any, requests: int, *, after: bool) -> None:
        self._client = client
        self._left = requests
        self._after = after
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name.startswith("_") or not callable(method) or name in {"get_paginator", "get_waiter"}:
            return method

        def request(**parameters: Any) -> Any:
            with self._lock:
                self._left -= 1
                left = self._left
            if left < 0 or (left == 0 and not self._after):
                raise Killed
            try:
                answer = method(**parameters)
            except ClientError:
                if left == 0:
                    raise Killed from None
                raise
            if left == 0:
                raise Killed
            return answer

        return request
