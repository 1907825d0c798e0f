"""What the program declares to watch a stack, seen through Pulumi's mocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from components.program import declare
from sitelogix.tables import SITELOGIX
from stack.declaration import Declaration, present, whole
from stack.file.config import StackConfig
from stack.file.settings import Subscription
from stack.monitoring.alarms import alarms, expected_monitors
from stack.world.managed import ALARM_TYPE, DASHBOARD_TYPE, MONITOR_TYPES, SUBSCRIPTION_TYPE, TOPIC_TYPE
from stack.world.world import World
from tests.pulumi_mocks import Monitor, declared_names, inputs, mocked
from tests.worlds import RETIRED, after, before, settings

MAIL = Subscription(protocol="email", endpoint=SecretStr("ops@example.com"))
OPS, ALARMS = "subscription/email/051cf8815658d9d2", "subscription/https/1a802fadbf87c8a9"
"""Their resources. The names are in the state of stacks, so they must not change."""
SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How Pulumi marks a secret (sdk/go/common/resource: SigKey, SecretSig)."""
HOOK = Subscription(protocol="https", endpoint=SecretStr("https://[2001:db8::1]/alarms"))

Run = Callable[[World, Declaration], Monitor]


@pytest.fixture
def config(tmp_path: Path) -> StackConfig:
    return StackConfig(
        stack="test",
        checkout=tmp_path,
        settings=settings(tags={"Project": "SiteLogix"}, subscriptions=[MAIL, HOOK, MAIL], dashboard="The-Dashboard"),
        region="us-east-1",
        project="sitelogix",
        endpoint="http://127.0.0.1:1",
        cloudwatch_endpoint="http://127.0.0.1:1",
        sns_endpoint="http://127.0.0.1:1",
        access_key="test",
        secret_key="test",
    )


@pytest.fixture
def run(config: StackConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    with mocked(monkeypatch) as registered:
        yield lambda world, declaration: registered(lambda: declare(SITELOGIX, config, world.live, declaration))


def monitors(monitor: Monitor) -> set[str]:
    return set().union(*(declared_names(monitor, type) for type in MONITOR_TYPES))


def test_everything_that_is_expected_is_declared_and_nothing_else(run: Run, config: StackConfig) -> None:
    world = after()
    declaration = whole(SITELOGIX, config.settings, world.live)
    monitor = run(world, declaration)
    assert monitors(monitor) == expected_monitors(SITELOGIX, config, declaration, world.live)
    assert declared_names(monitor, TOPIC_TYPE) == {"topic"}
    assert declared_names(monitor, DASHBOARD_TYPE) == {"dashboard"}
    assert declared_names(monitor, SUBSCRIPTION_TYPE) == {OPS, ALARMS}
    assert len(declared_names(monitor, ALARM_TYPE)) == 1 + 6 * 3 + 14 * 2


def test_what_is_not_declared_yet_is_not_watched_yet(run: Run, config: StackConfig) -> None:
    watched = monitors(run(before(), present(SITELOGIX, before())))
    assert "personnel/GSI2-ProjectIndex/throttling" in watched
    assert not {name for name in watched if name.startswith(("work-logs/", "personnel/GSI2-StatusIndex/"))}


def test_a_removed_index_is_no_longer_watched(run: Run, config: StackConfig) -> None:
    declaration = present(SITELOGIX, before())
    removed = declaration.without_index(RETIRED)
    gone = monitors(run(before(), declaration)) - monitors(run(before(), removed))
    assert gone == {"personnel/GSI2-ProjectIndex/throttling", "personnel/GSI2-ProjectIndex/capacity"}


def test_an_alarm_tells_the_topic_when_it_fires_and_when_it_is_over(run: Run) -> None:
    monitor = run(after(), present(SITELOGIX, after()))
    found = inputs(monitor, "reports/GSI3-StatusIndex/throttling")
    queries = {query.pop("id"): query for query in found.pop("metricQueries")}
    assert found == {
        "name": "test-reports/GSI3-StatusIndex/throttling",
        "alarmDescription": "More than 10 throttled reads and writes in five minutes, twice in a row.",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 10,
        "evaluationPeriods": 2,
        "treatMissingData": "notBreaching",
        "alarmActions": ["arn:topic"],
        "okActions": ["arn:topic"],
        "tags": {"Project": "SiteLogix"},
    }
    of = {"TableName": "test-reports", "GlobalSecondaryIndexName": "GSI3-StatusIndex"}
    metric = {"namespace": "AWS/DynamoDB", "dimensions": of, "period": 300, "stat": "Sum"}
    assert queries == {
        "result": {
            "expression": "SUM([FILL(reads, 0), FILL(writes, 0)])",
            "label": "reports/GSI3-StatusIndex/throttling",
            "returnData": True,
        },
        "reads": {"metric": {**metric, "metricName": "ReadThrottleEvents"}, "returnData": False},
        "writes": {"metric": {**metric, "metricName": "WriteThrottleEvents"}, "returnData": False},
    }


def aliases(monitor: Monitor, name: str) -> list[str]:
    """The names that a resource once had."""
    return [alias.spec.name for alias in monitor.registered[name].aliases]


def test_a_subscription_s_address_is_a_secret_and_in_no_name(run: Run) -> None:
    monitor = run(after(), present(SITELOGIX, after()))
    assert inputs(monitor, OPS) == {
        "topic": "arn:topic",
        "protocol": "email",
        "endpoint": {SIGNATURE: SECRET, "value": "ops@example.com"},
    }
    assert not [name for name in monitor.registered if "example.com" in name or "2001" in name]


def test_a_subscription_that_older_versions_named_after_its_address_is_not_made_again(run: Run) -> None:
    monitor = run(after(), present(SITELOGIX, after()))
    assert aliases(monitor, OPS) == ["subscription/email/ops@example.com"]
    assert aliases(monitor, ALARMS) == ["subscription/https/https://[2001:db8::1]/alarms"]


def test_an_alias_would_tell_a_secret_so_only_a_person_s_address_has_one(
    config: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    secretive = replace(config, secret_settings=frozenset({"subscriptions"}))
    declaration = present(SITELOGIX, after())
    with mocked(monkeypatch) as registered:
        monitor = registered(lambda: declare(SITELOGIX, secretive, after().live, declaration))
    assert (len(aliases(monitor, OPS)), aliases(monitor, ALARMS)) == (1, [])


def test_topic_and_dashboard_are_as_the_stack_file_says(run: Run, config: StackConfig) -> None:
    monitor = run(after(), present(SITELOGIX, after()))
    assert inputs(monitor, "topic") == {"name": "test-migration", "tags": {"Project": "SiteLogix"}}
    dashboard = inputs(monitor, "dashboard")
    assert dashboard["dashboardName"] == "The-Dashboard"
    titles = [widget["properties"]["title"] for widget in json.loads(dashboard["dashboardBody"])["widgets"]]
    assert titles[:7] == [
        "Account: user errors",
        "reports: throttles",
        "reports: read capacity a second",
        "reports: write capacity a second",
        "reports: system errors",
        "reports: latency (ms)",
        "reports: index builds (%)",
    ]
    assert len(titles) == 1 + 6 * 6


@pytest.mark.parametrize("missing", ["cloudwatch", "sns"])
def test_without_a_cloudwatch_or_without_an_sns_nothing_is_declared(
    config: StackConfig, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    blind = replace(config, cloudwatch_endpoint=None) if missing == "cloudwatch" else replace(config, sns_endpoint=None)
    declaration = present(SITELOGIX, after())
    with mocked(monkeypatch) as registered:
        found = registered(lambda: declare(SITELOGIX, blind, after().live, declaration))
    assert monitors(found) == set()
    assert expected_monitors(SITELOGIX, blind, declaration, after().live) == frozenset()


def test_no_alarm_reads_more_metrics_or_says_more_than_cloudwatch_takes(config: StackConfig) -> None:
    declaration = whole(SITELOGIX, config.settings, after().live)
    for alarm in alarms(SITELOGIX, config, declaration, after().live):
        assert len(alarm.metrics) <= 10
        assert len(alarm.expression) <= 1024
        assert len(alarm.name) <= 255
        assert alarm.name == f"test-{alarm.resource}"
