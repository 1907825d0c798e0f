"""A backfill uses its rate, and stops when told to: measured against what this machine can do in the same test."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backfills.rates import Rates
from backfills.run.assembly import FAST, Options
from dynamo.retry import Stopped
from stack.aws import dynamodb_once
from tests.backfilling import CLOCK, Counting, assembly, report
from tests.conftest import EmulatedStack

pytestmark = pytest.mark.timed
RATE = 200
SECONDS = 15


def units_a_second(stack: EmulatedStack, rates: Rates, seconds: int) -> float:
    """What a backfill of that many seconds at RATE really sends."""
    stack.create("reports", [report(number) for number in range(RATE * seconds)])
    client = Counting(dynamodb_once(stack.config))
    assembly(stack, "reports", Options(rates=rates, workers=8), client).run(CLOCK)
    stack.client.delete_table(TableName=stack.config.physical_name("reports"))
    stack.client.update_table(TableName=stack.config.ledger_name, DeletionProtectionEnabled=False)
    stack.client.delete_table(TableName=stack.config.ledger_name)
    sent = sorted(client.sent)
    return sum(units for _, units in sent) / (sent[-1][0] - sent[0][0])


def test_at_200_units_a_second_90_percent_are_used(dynamodb_local: EmulatedStack) -> None:
    fastest = units_a_second(dynamodb_local, FAST, SECONDS)
    # A machine that can not do twice as much has no time to keep to a rate.
    expected = min(RATE, fastest / 2)
    assert units_a_second(dynamodb_local, Rates(write=RATE, read=FAST.read), SECONDS) >= expected * 0.9


def test_a_backfill_that_is_told_to_stop_does_so_within_two_seconds(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(number) for number in range(2000)])

    def changed() -> int:
        return sum("status" in item for item in dynamodb_local.items("reports").values())

    began = time.monotonic()
    assert changed() == 0
    usual = time.monotonic() - began
    work = assembly(dynamodb_local, "reports", Options(rates=Rates(write=20, read=20)))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work.run, CLOCK)
        while not changed():
            time.sleep(0.1)
        asked = time.monotonic()
        work.stop.set()
        with pytest.raises(Stopped):
            running.result()
    # A worker may be in the middle of a page, which takes as long as one that is read here.
    assert time.monotonic() - asked < 2 + usual
    assert changed() < 1000
