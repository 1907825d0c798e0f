"""A fifth of all requests fail, in every way: the backfill finishes, and is exact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from backfills.run.assembly import Options
from schema.backfill import Given, fill
from sitelogix.backfills import REPORTS
from tests.backfilling import CLOCK, assembly, report
from tests.conftest import EmulatedStack
from tests.fault_proxy import FAULTS, FaultProxy


def reports(count: int) -> list[dict[str, Any]]:
    kinds: list[dict[str, str]] = [{"createdAt": "2025"}, {}, {"status": "draft"}, {"status": "a", "timestamp": "b"}]
    return [report(number, **kinds[number % 4]) for number in range(count)]


@pytest.mark.parametrize(("writer", "items"), [("batched", 3000), ("single", 400)])
def test_with_a_fifth_of_all_requests_failing_it_finishes_and_is_exact(
    dynamodb_local: EmulatedStack, writer: str, items: int
) -> None:
    dynamodb_local.create("reports", reports(items))
    with FaultProxy(str(dynamodb_local.config.endpoint), rate=0.2) as proxy:
        # No answer for two seconds counts as none; the proxy's timeouts take longer.
        settings = Config(read_timeout=2, connect_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
        config = replace(dynamodb_local.config, endpoint=proxy.endpoint)
        client = boto3.client(
            "dynamodb",
            region_name=config.region,
            endpoint_url=proxy.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=settings,
        )
        # The ledger is behind the proxy as well.
        stack = EmulatedStack(config, dynamodb_local.client)
        options = Options(writer=writer, segments=4, page_items=100, workers=8)
        counts = assembly(stack, "reports", options, client).run(CLOCK).counts
    expected = {}
    for item in reports(items):
        values = fill(REPORTS, item, Given(CLOCK)).values
        expected[item["PK"]["S"], "METADATA"] = {**item, **{name: {"S": value} for name, value in values.items()}}
    assert dynamodb_local.items("reports") == expected
    # Answers that were lost are not counted as races, nor twice.
    assert (counts.changed, counts.remaining, counts.raced, counts.violating) == (items * 3 // 4, 0, 0, 0)
    wanted = set(FAULTS) - ({"partial"} if writer == "single" else set())
    assert set(proxy.met) == wanted
    assert proxy.met.total() > 20
