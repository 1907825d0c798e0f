"""A backfill never exceeds its rate, however fast the machine is. That it uses its rate is in test_pace.py."""

from __future__ import annotations

from backfills.rates import Rates
from backfills.run.assembly import FAST, Options
from stack.aws import dynamodb_once
from tests.backfilling import CLOCK, Counting, assembly, report
from tests.conftest import EmulatedStack

RATE = 200
SECONDS = 70
WINDOW = 60


def test_at_200_units_a_second_no_minute_exceeds_it_by_5_percent(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(number) for number in range(RATE * SECONDS)])
    client = Counting(dynamodb_once(dynamodb_local.config))
    options = Options(rates=Rates(write=RATE, read=FAST.read), workers=8)
    counts = assembly(dynamodb_local, "reports", options, client).run(CLOCK).counts
    assert counts.changed == RATE * SECONDS
    sent = sorted(client.sent)
    most = max(sum(units for at, units in sent if start <= at < start + WINDOW) for start, _ in sent)
    assert most <= RATE * WINDOW * 1.05
