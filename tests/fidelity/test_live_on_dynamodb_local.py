"""Live tables on DynamoDB Local: what it cannot tell is unknown, and never taken for absent on AWS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.stack import create_table
from schema.model import Table
from schema.parts import Attribute, BillingMode
from stack.world.live import LiveTable, read_table
from tests.conftest import EmulatedStack

TABLE = Table("things", Attribute("PK"), Attribute("SK"), billing_mode=BillingMode.ON_DEMAND, existing=True)


def create(stack: EmulatedStack) -> LiveTable:
    """The table, as it is read."""
    create_table(stack.client, stack.config.physical_name("things"), TABLE)
    found = read_table(stack.client, stack.config, "things")
    assert found is not None
    return found


def test_an_emulator_that_lacks_a_call_tells_what_is_unknown(dynamodb_local: EmulatedStack) -> None:
    """DynamoDB Local knows neither recovery nor tags."""
    live = create(dynamodb_local)
    assert live.unknown == ("point-in-time recovery", "tags")
    assert (live.point_in_time_recovery, live.owner, live.keys) == (False, None, (Attribute("PK"), Attribute("SK")))


def test_on_aws_itself_a_needed_call_is_never_unknown(dynamodb_local: EmulatedStack) -> None:
    create(dynamodb_local)
    as_aws = replace(dynamodb_local.config, endpoint=None)
    with pytest.raises(dynamodb_local.client.exceptions.ClientError, match="UnknownOperation"):
        read_table(dynamodb_local.client, as_aws, "things")


def test_a_key_of_several_attributes_is_read_as_it_is(dynamodb_local: EmulatedStack) -> None:
    key: Any = [
        {"AttributeName": name, "KeyType": role} for name, role in (("a", "HASH"), ("b", "HASH"), ("c", "RANGE"))
    ]
    index: Any = {"IndexName": "several", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
    create(dynamodb_local)
    dynamodb_local.client.update_table(
        TableName=dynamodb_local.config.physical_name("things"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK", "a", "b", "c")],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    live = read_table(dynamodb_local.client, dynamodb_local.config, "things")
    assert live is not None
    found = live.indexes["several"].index
    a, b, c = map(Attribute, "abc")
    assert (found.partition_keys, found.sort_keys) == ((a, b), (c,))
