"""A backfill keeps to its rate, and uses it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backfills.rates import Rates
from backfills.run.assembly import FAST, Options
from dynamo.retry import Stopped
from stack.aws import dynamodb_once
from tests.backfilling import CLOCK, assembly, report
from tests.conftest import EmulatedStack

RATE = 200
SECONDS = 70
WINDOW = 60


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


def test_at_200_units_a_second_no_minute_exceeds_it_by_5_percent_and_90_percent_are_used(
    dynamodb_local: EmulatedStack,
) -> None:
    dynamodb_local.create("reports", [report(number) for number in range(RATE * SECONDS)])
    client = Counting(dynamodb_once(dynamodb_local.config))
    options = Options(rates=Rates(write=RATE, read=FAST.read), workers=8)
    counts = assembly(dynamodb_local, "reports", options, client).run(CLOCK).counts
    assert counts.changed == RATE * SECONDS
    sent = sorted(client.sent)
    most = max(sum(units for at, units in sent if start <= at < start + WINDOW) for start, _ in sent)
    assert most <= RATE * WINDOW * 1.05
    took = sent[-1][0] - sent[0][0]
    assert sum(units for _, units in sent) / took >= RATE * 0.9


def test_a_backfill_that_is_told_to_stop_does_so_within_two_seconds(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(number) for number in range(2000)])
    work = assembly(dynamodb_local, "reports", Options(rates=Rates(write=20, read=20)))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work.run, CLOCK)
        time.sleep(1.5)
        asked = time.monotonic()
        work.stop.set()
        with pytest.raises(Stopped):
            running.result()
    assert time.monotonic() - asked < 2
    assert 0 < sum("status" in item for item in dynamodb_local.items("reports").values()) < 100
