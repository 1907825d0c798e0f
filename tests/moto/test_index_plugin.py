"""The stand-in's index, where AWS takes longer than the program waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import building
from local.aws_plugin import index as plugin
from local.aws_plugin.index import IndexType
from local.aws_plugin.resource import PluginError, Properties
from tests.conftest import EmulatedStack

NAME = "GSI3-StatusIndex"


@pytest.fixture
def held(moto_stack: EmulatedStack) -> Iterator[str]:
    """A table of which no index gets finished."""
    table = moto_stack.create("reports", [])
    building.hold(table)
    yield table
    building.release(table, moto_stack.config.region)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that waits for as long as the input says, even if that is less than the real one's least."""
    monkeypatch.setattr(plugin, "LEAST_SECONDS", 0)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds each change would be waited for; none is."""
    seconds: list[float] = []
    monkeypatch.setattr(plugin, "wait_until", lambda done, what, timeout: seconds.append(timeout))
    return seconds


def inputs(table: str, **more: Any) -> Properties:
    return {
        "indexName": NAME,
        "tableName": table,
        "keySchemas": [{"attributeName": "status", "attributeType": "S", "keyType": "HASH"}],
        "projection": {"projectionType": "ALL"},
        "provisionedThroughput": {"readCapacityUnits": 5, "writeCapacityUnits": 5},
        **more,
    }


def status(stack: EmulatedStack, table: str) -> str:
    indexes = stack.client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
    return {index["IndexName"]: index["IndexStatus"] for index in indexes}[NAME]


def test_a_creation_that_runs_into_its_timeout_fails_while_aws_goes_on_building(
    moto_stack: EmulatedStack, held: str, impatient: None
) -> None:
    with pytest.raises(PluginError, match="timeout while waiting"):
        IndexType(lambda: moto_stack.client).create(inputs(held, timeouts={"create": "1ms"}), 0)
    assert status(moto_stack, held) == "CREATING"
    building.release(held, moto_stack.config.region)
    assert status(moto_stack, held) == "ACTIVE"


def test_while_one_index_is_being_built_aws_takes_no_other_change_of_an_index(
    moto_stack: EmulatedStack, held: str, impatient: None
) -> None:
    with pytest.raises(PluginError):
        IndexType(lambda: moto_stack.client).create(inputs(held, timeouts={"create": "1ms"}), 0)
    with pytest.raises(ClientError, match="Only 1 online index can be created or deleted simultaneously"):
        moto_stack.client.update_table(
            TableName=held, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "GSI1-ProjectIndex"}}]
        )


def test_the_timeouts_of_each_operation_are_the_resources_own(moto_stack: EmulatedStack, waited: list[float]) -> None:
    table = moto_stack.create("reports", [])
    kind = IndexType(lambda: moto_stack.client)
    times = {"create": "4h", "update": "90m", "delete": "1h30m"}
    state = kind.create(inputs(table, timeouts=times), 1).state
    more = {"readCapacityUnits": 5, "writeCapacityUnits": 6}
    state = kind.update("", "", state, {**state, "provisionedThroughput": more}, 1).state
    kind.delete(state, 1)
    assert waited == [4 * 3600, 4 * 3600, 90 * 60, 90 * 60]


def test_without_them_the_plugins_defaults_count_whatever_pulumis_custom_timeouts_say(
    moto_stack: EmulatedStack, waited: list[float]
) -> None:
    table = moto_stack.create("reports", [])
    kind = IndexType(lambda: moto_stack.client)
    state = kind.create(inputs(table), 1).state
    more = {"readCapacityUnits": 5, "writeCapacityUnits": 6}
    state = kind.update("", "", state, {**state, "provisionedThroughput": more}, 1).state
    kind.delete(state, 1)
    assert waited == [30 * 60, 30 * 60, 60 * 60, 20 * 60]


def test_a_short_timeout_is_as_good_as_twenty_minutes(moto_stack: EmulatedStack, waited: list[float]) -> None:
    table = moto_stack.create("reports", [])
    IndexType(lambda: moto_stack.client).create(inputs(table, timeouts={"create": "1m"}), 0)
    assert waited == [20 * 60, 20 * 60]


def test_other_timeouts_alone_are_an_update_that_calls_nothing(moto_stack: EmulatedStack, waited: list[float]) -> None:
    table = moto_stack.create("reports", [])
    kind = IndexType(lambda: moto_stack.client)
    state = kind.create(inputs(table), 0).state
    waited.clear()
    difference = kind.diff(state, inputs(table, timeouts={"create": "4h"}))
    assert ("timeouts" in difference.changed, difference.replacing) == (True, ())
    assert kind.update("", "", state, inputs(table, timeouts={"create": "4h"}), 0).state["timeouts"] == {"create": "4h"}
    assert waited == []
