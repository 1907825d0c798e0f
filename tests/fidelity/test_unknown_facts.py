"""An emulator that lacks a call: what it would tell is unknown, and never taken for absent on AWS."""

from __future__ import annotations

from dataclasses import replace

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
