"""Alarms and dashboard read only metrics that DynamoDB emits, each with the dimensions with which it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sitelogix.tables import SITELOGIX
from stack.declaration import whole
from stack.file.config import StackConfig
from stack.monitoring.alarms import alarms
from stack.monitoring.dashboard import dashboard
from tests.worlds import after, settings

TABLE = ("TableName",)
INDEX = ("GlobalSecondaryIndexName", "TableName")
OPERATION = ("Operation", "TableName")
CAPACITY = {TABLE, INDEX}
EMITTED: dict[str, set[tuple[str, ...]]] = {
    # "DynamoDB Metrics and dimensions", Amazon DynamoDB Developer Guide.
    "ConsumedReadCapacityUnits": CAPACITY,
    "ConsumedWriteCapacityUnits": CAPACITY,
    "ProvisionedReadCapacityUnits": CAPACITY,
    "ProvisionedWriteCapacityUnits": CAPACITY,
    "ReadThrottleEvents": CAPACITY,
    "WriteThrottleEvents": CAPACITY,
    "OnlineIndexPercentageProgress": {INDEX},
    "SuccessfulRequestLatency": {OPERATION},
    "SystemErrors": {OPERATION},
    "UserErrors": {()},
}
OPERATIONS = {
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
}
STATISTICS = {"Average", "Maximum", "Sum"}
Used = tuple[str, tuple[tuple[str, str], ...], str]
LIVE = after().live


@pytest.fixture
def config(tmp_path: Path) -> StackConfig:
    return StackConfig(stack="test", checkout=tmp_path, settings=settings(), region="us-east-1", project="sitelogix")


def in_alarms(config: StackConfig) -> Iterator[Used]:
    for alarm in alarms(SITELOGIX, config, whole(SITELOGIX, config.settings, LIVE), LIVE):
        for metric in alarm.metrics.values():
            yield metric.name, metric.dimensions, metric.stat


def lines(config: StackConfig) -> Iterator[Any]:
    body = json.loads(dashboard(SITELOGIX, config, whole(SITELOGIX, config.settings, LIVE), LIVE))
    for widget in body["widgets"]:
        yield from widget["properties"]["metrics"]


def in_dashboard(config: StackConfig) -> Iterator[Used]:
    for line in lines(config):
        if len(line) > 1:
            namespace, name, *parts, options = line
            assert namespace == "AWS/DynamoDB"
            yield name, tuple(zip(parts[::2], parts[1::2], strict=True)), options["stat"]


@pytest.mark.parametrize("used", [in_alarms, in_dashboard])
def test_every_metric_is_one_that_dynamodb_emits_with_these_dimensions(config: StackConfig, used: Any) -> None:
    physical = {config.physical_name(table.name): table for table in SITELOGIX}
    found = list(used(config))
    assert found
    for name, dimensions, statistic in found:
        assert tuple(sorted(key for key, _ in dimensions)) in EMITTED[name], name
        values = dict(dimensions)
        assert values.get("Operation", "Query") in OPERATIONS
        assert statistic in STATISTICS
        if "TableName" in values:
            indexes = {index.name for index in physical[values["TableName"]].indexes}
            assert values.get("GlobalSecondaryIndexName") in {None, *indexes}


def test_every_table_and_index_is_on_the_dashboard_with_each_of_its_metrics(config: StackConfig) -> None:
    found = {(name, tuple(sorted(dimensions))) for name, dimensions, _ in in_dashboard(config)}
    for table in SITELOGIX:
        of_table = ("TableName", config.physical_name(table.name))
        for name in ("SystemErrors", "SuccessfulRequestLatency"):
            for operation in OPERATIONS:
                assert (name, (("Operation", operation), of_table)) in found
        for name, dimensions in EMITTED.items():
            if TABLE in dimensions:
                assert (name, (of_table,)) in found
            for index in table.indexes:
                if INDEX in dimensions:
                    assert (name, (("GlobalSecondaryIndexName", index.name), of_table)) in found
    assert ("UserErrors", ()) in found


def test_an_expression_of_a_graph_reads_only_lines_of_that_graph(config: StackConfig) -> None:
    body = json.loads(dashboard(SITELOGIX, config, whole(SITELOGIX, config.settings, LIVE), LIVE))
    for widget in body["widgets"]:
        metrics = widget["properties"]["metrics"]
        ids = {line[-1]["id"] for line in metrics if len(line) > 1 and "id" in line[-1]}
        for line in metrics:
            if len(line) == 1:
                id = line[0]["expression"].partition(" ")[0]
                assert line[0]["expression"] == f"{id} / PERIOD({id})"
                assert id in ids
