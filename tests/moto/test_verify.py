"""Reading a stack against its schema over the AWS protocol: what is missing is told, and what is there passes."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo.reader import Reader
from local.stack import create_table, put_items
from migration.checks.querying import query_index
from migration.checks.verify import no_item_missed, verify
from schema.errors import VerificationFailed
from schema.model import AccessPattern, Schema
from sitelogix.tables import REPORTS
from stack.gates.claims import failing
from stack.world.live import LiveTable, read_live
from stack.world.world import World
from tests.backfilling import report
from tests.conftest import EmulatedStack
from tests.silence import SilentReporter

STATUS = REPORTS.index("GSI3-StatusIndex")
SCHEMA = Schema((REPORTS,), (AccessPattern("workflow queue", "reports", "GSI3-StatusIndex"),))


def built(stack: EmulatedStack, *items: dict[str, Any]) -> str:
    """Creates the table with all of its indexes; returns its physical name."""
    physical = stack.config.physical_name("reports")
    create_table(stack.client, physical, REPORTS)
    put_items(stack.client, physical, items)
    return physical


class Forgetful:
    """A client whose queries never return one item."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def query(self, **parameters: Any) -> Any:
        page = self._client.query(**parameters)
        return {**page, "Items": [item for item in page["Items"] if item["PK"]["S"] != self._key]}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_an_item_is_found_through_its_index(moto_stack: EmulatedStack) -> None:
    physical = built(moto_stack, report(1, status="draft", timestamp="2025"))
    reader = Reader.paced(moto_stack.client, physical)
    assert query_index(reader, REPORTS, STATUS) == {"queried": "REPORT#00001 / METADATA"}


def test_an_index_that_returns_other_items_with_the_same_keys_is_wrong(
    moto_stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migration.checks.querying.INDEX_LAG_SECONDS", 0)
    physical = built(moto_stack, *(report(number, status="draft", timestamp="2025") for number in range(3)))
    (first, _), *_ = moto_stack.items("reports")
    client: Any = Forgetful(moto_stack.client, first)
    with pytest.raises(VerificationFailed, match="does not return an item that it should"):
        query_index(Reader.paced(client, physical), REPORTS, STATUS)


def test_items_that_lack_an_attribute_or_hold_what_no_index_takes_are_counted(moto_stack: EmulatedStack) -> None:
    whole = report(1, status="draft", timestamp="2025")
    number = {**report(2, timestamp="2025"), "status": {"N": "7"}}
    physical = moto_stack.create("reports", [whole, number, report(3, status="draft")])
    reader = Reader.paced(moto_stack.client, physical)
    missed = no_item_missed(reader, REPORTS, 0)
    assert (missed.holds, missed.evidence) == (False, "2 items lack status or timestamp")
    accepted = no_item_missed(reader, REPORTS, 2)
    assert (accepted.holds, accepted.evidence) == (True, "2 items lack status or timestamp; the stack accepts 2")


def failed(stack: EmulatedStack) -> list[str]:
    world = World(live=read_live(stack.client, stack.config, SCHEMA))

    def read(live: LiveTable) -> Reader:
        return Reader.paced(stack.client, stack.config.physical_name(live.name))

    return [claim.name for claim in failing(verify(read, SCHEMA, stack.config.settings, world, SilentReporter()))]


def test_everything_that_the_migration_brings_is_looked_for(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    assert failed(moto_stack) == [
        "reports stream",
        "reports point-in-time recovery",
        "reports deletion protection",
        "reports/GSI3-StatusIndex",
        "reports backfill",
        "access pattern: workflow queue",
    ]


def test_a_table_that_is_all_that_the_schema_says_fails_nothing(moto_stack: EmulatedStack) -> None:
    physical = built(moto_stack, report(1, status="draft", timestamp="2025"))
    moto_stack.client.update_table(
        TableName=physical, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    moto_stack.client.update_table(TableName=physical, DeletionProtectionEnabled=True)
    moto_stack.client.update_continuous_backups(
        TableName=physical, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    assert failed(moto_stack) == []


def test_a_table_that_is_gone_fails(moto_stack: EmulatedStack) -> None:
    assert failed(moto_stack) == ["reports", "access pattern: workflow queue"]
