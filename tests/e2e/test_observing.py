"""A watch and a load test of stacks as they are after a migration, and as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from migration.loading.prepare import Asked, prepare
from migration.loading.run import load_test
from migration.watching.watch import Clock, Watch, WatchSummary
from schema.clock import at_present
from sitelogix.tables import ACCESS_PATTERNS
from stack.monitoring.metrics import NAMESPACE
from terminal.results.observed import LoadTestShown, WatchResult
from tests.checkouts import Checkout, running
from tests.stacks import APPROVED, SCHEMA, SmallStack

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef

ALLOWED = "  sitelogix:loadTest: {allowed: true, maximumRate: 100, writeShare: 0.3}\n"
PATTERNS = tuple(one for one in ACCESS_PATTERNS if one.table == "personnel")


def watched(stack: SmallStack) -> WatchSummary:
    """A watch of a minute, by a clock whose minutes pass at once."""
    context = stack.context()
    assert context.cloudwatch is not None
    now = at_present().replace(microsecond=0)

    def wait(seconds: float) -> None:
        nonlocal now
        now += timedelta(minutes=1)

    return Watch(context, context.cloudwatch, Clock(lambda: now, wait)).run(60)


def items(stack: SmallStack) -> list[dict[str, Any]]:
    pages = stack.client.get_paginator("scan").paginate(TableName=stack.physical("personnel"), ConsistentRead=True)
    return sorted((dict(item) for page in pages for item in page["Items"]), key=str)


def test_a_migrated_stack_is_watched_until_something_fails_and_the_last_step_is_what_to_take_back(
    migrated: SmallStack,
) -> None:
    done = watched(migrated)
    assert done.is_clean
    assert done.alarms == {"OK": 15}
    of: list[DimensionTypeDef] = [
        {"Name": "TableName", "Value": migrated.physical("personnel")},
        {"Name": "Operation", "Value": "Query"},
    ]
    client = migrated.context().cloudwatch
    assert client is not None
    client.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[{"MetricName": "SystemErrors", "Dimensions": of, "Value": 1}],
    )
    ended = WatchResult("local", watched(migrated))
    assert ended.exit_code == 5
    assert ended.document()["ended_by"] == f"alarm {migrated.physical('personnel')}/system-errors fires"
    assert ended.document()["next"] == ("./invoke rollback --table personnel --index GSI2-ProjectIndex --stack local")


def test_a_load_test_leaves_a_migrated_stack_as_it_was(migrated: SmallStack) -> None:
    migrated.configure(ALLOWED + APPROVED)
    before = items(migrated)
    context = migrated.context(replace(SCHEMA, access_patterns=PATTERNS))
    done = LoadTestShown("local", load_test(context, prepare(context, Asked(rate=20, seconds=2, seed=3))))
    document = done.document()
    assert document["schema"] == "after"
    assert set(document["requests"]) == {
        "personnel history",
        "name search",
        "inactive personnel",
        "new items of personnel",
    }
    assert document["all"]["failed"] == 0
    assert document["removed"] == document["requests"]["new items of personnel"]["sent"]
    assert items(migrated) == before
    # Nothing is left to do: it is not for a load test to change a stack.
    assert migrated.migrate().run is None


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose local stack is as before the migration."""
    with running(tmp_path_factory.mktemp("observing") / "checkout") as made:
        assert made.run("plan").returncode == 0
        yield made


def test_a_load_test_before_the_migration_as_a_person_runs_it(checkout: Checkout) -> None:
    before = {name: checkout.items(name) for name in ("sitelogix-reports", "sitelogix-constraints")}
    unsure = checkout.run("loadtest", "--rate", "20", "--for", "2s")
    assert unsure.returncode == 2
    assert "A load test asks first: it costs units." in unsure.stderr
    assert "left out: workflow queue, because index GSI3-StatusIndex is not live" in unsure.stderr
    ended = checkout.run("loadtest", "--rate", "20", "--for", "2s", "--yes", "--json")
    found = json.loads(ended.stdout)
    assert ended.returncode == (0 if found["passed"] else 5)
    assert (found["schema"], found["all"]["failed"], found["other"]) == ("before", 0, None)
    (kept,) = Path(checkout.path / ".local" / "loadtests").glob("local-*.json")
    assert json.loads(kept.read_text(encoding="utf-8")) == found
    assert {name: checkout.items(name) for name in before} == before
    cleaned = checkout.run("loadtest", "--clean")
    assert cleaned.stdout == "No load test has left anything on stack local.\n"
    (event, *_) = json.loads(checkout.run("history", "--json").stdout)["events"][1:]
    assert event["what"] == "loadtest"


def test_a_stack_on_which_nothing_was_done_is_not_watched(checkout: Checkout) -> None:
    ended = checkout.run("watch", "--for", "1m")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == "Nothing was done to stack local yet."
