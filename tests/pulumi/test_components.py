"""What the program declares for each table and index, seen through Pulumi's mocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.program import declare
from components.properties import kept_of_index, kept_of_table
from schema.parts import Attribute, AttributeType, BillingMode, Projection, ProjectionType
from sitelogix.tables import PK, REPORTS, SITELOGIX
from stack.declaration import Declaration, present, whole
from stack.file.config import StackConfig
from stack.world.live import LocalIndex
from stack.world.managed import INDEX_TYPE, TABLE_TYPE
from stack.world.world import World
from tests.pulumi_mocks import Monitor, declared_names, inputs, mocked
from tests.worlds import after, before, settings, with_table

Run = Callable[[World, Declaration], Monitor]
STATUS = REPORTS.ref(REPORTS.index("GSI3-StatusIndex"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the program against mocks and returns what it registered."""
    config = StackConfig(
        stack="test",
        checkout=tmp_path,
        settings=settings(tags={"Project": "SiteLogix"}, keep_stream=["vendors"]),
        region="us-east-1",
        project="sitelogix",
        endpoint="http://127.0.0.1:1",
        access_key="test",
        secret_key="test",
    )
    with mocked(monkeypatch) as registered:
        yield lambda world, declaration: registered(lambda: declare(SITELOGIX, config, world.live, declaration))


def test_the_whole_schema_is_six_tables_and_fourteen_indexes(run: Run) -> None:
    monitor = run(after(), whole(SITELOGIX, settings(), after().live))
    assert declared_names(monitor, TABLE_TYPE) == {table.name for table in SITELOGIX}
    indexes = {f"{table.name}/{index.name}" for table in SITELOGIX for index in table.indexes}
    assert declared_names(monitor, INDEX_TYPE) == indexes
    assert len(indexes) == 14


def test_before_the_migration_what_is_live_is_imported_and_nothing_else_declared(run: Run) -> None:
    monitor = run(before(), present(SITELOGIX, before()))
    imports = {name: request.importId for name, request in monitor.registered.items() if request.custom}
    assert imports == {
        "reports": "test-reports",
        "reports/GSI1-ProjectIndex": "test-reports,GSI1-ProjectIndex",
        "reports/GSI2-ManagerIndex": "test-reports,GSI2-ManagerIndex",
        "personnel": "test-personnel",
        "personnel/GSI1-NameIndex": "test-personnel,GSI1-NameIndex",
        "personnel/GSI2-ProjectIndex": "test-personnel,GSI2-ProjectIndex",
        "vendors": "test-vendors",
        "vendors/GSI1-CompanyIndex": "test-vendors,GSI1-CompanyIndex",
        "constraints": "test-constraints",
        "constraints/GSI1-CategoryIndex": "test-constraints,GSI1-CategoryIndex",
        "constraints/GSI2-StatusIndex": "test-constraints,GSI2-StatusIndex",
    }


def test_what_pulumi_has_already_is_never_imported_again(run: Run) -> None:
    monitor = run(after(), present(SITELOGIX, after()))
    assert {request.importId for request in monitor.registered.values()} == {""}


def test_an_adopted_table_is_protected_kept_and_left_as_it_is_where_others_set_it(run: Run) -> None:
    table = run(after(), present(SITELOGIX, after())).registered["reports"]
    assert (table.protect, table.retainOnDelete) == (True, True)
    assert list(table.ignoreChanges) == kept_of_table(adopted=True, expires=False)


def test_a_local_index_is_declared_as_it_is_live_with_the_types_of_its_keys(run: Run) -> None:
    day = Attribute("day", AttributeType.NUMBER)
    projection = Projection(ProjectionType.INCLUDE, ("b", "a"))
    local = (LocalIndex("ByDay", (PK, day), projection), LocalIndex("BySort", (PK, Attribute("created"))))
    world = with_table(after(), "reports", local_indexes=local)
    table = inputs(run(world, present(SITELOGIX, world)), "reports")
    assert table["localSecondaryIndexes"] == [
        {"name": "ByDay", "rangeKey": "day", "projectionType": "INCLUDE", "nonKeyAttributes": ["b", "a"]},
        {"name": "BySort", "rangeKey": "created", "projectionType": "ALL"},
    ]
    assert table["attributes"] == [
        {"name": "PK", "type": "S"},
        {"name": "SK", "type": "S"},
        {"name": "day", "type": "N"},
        {"name": "created", "type": "S"},
    ]


def test_an_adopted_table_declares_its_keys_and_protection_only(run: Run) -> None:
    assert inputs(run(after(), present(SITELOGIX, after())), "reports") == {
        "name": "test-reports",
        "hashKey": "PK",
        "rangeKey": "SK",
        "attributes": [{"name": "PK", "type": "S"}, {"name": "SK", "type": "S"}],
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "pointInTimeRecovery": {"enabled": True},
        "deletionProtectionEnabled": True,
    }


def test_a_new_table_declares_capacity_encryption_tags_and_expiry(run: Run) -> None:
    assert inputs(run(before(), whole(SITELOGIX, settings(), before().live)), "ai-analysis-cache") == {
        "name": "test-ai-analysis-cache",
        "hashKey": "PK",
        "rangeKey": "SK",
        "attributes": [{"name": "PK", "type": "S"}, {"name": "SK", "type": "S"}],
        "billingMode": "PROVISIONED",
        "readCapacity": 10.0,
        "writeCapacity": 10.0,
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "pointInTimeRecovery": {"enabled": True},
        "deletionProtectionEnabled": True,
        "serverSideEncryption": {"enabled": True},
        "tags": {"Project": "SiteLogix"},
        "ttl": {"enabled": True, "attributeName": "ttl"},
    }


def test_an_index_is_neither_protected_nor_kept_on_delete(run: Run) -> None:
    index = run(after(), present(SITELOGIX, after())).registered["reports/GSI3-StatusIndex"]
    assert (index.protect, index.retainOnDelete) == (False, False)


def test_an_index_builds_with_the_write_capacity_that_its_table_needs(run: Run) -> None:
    world = before()
    monitor = run(world, present(SITELOGIX, world).with_index(STATUS))
    assert inputs(monitor, "reports/GSI3-StatusIndex") == {
        "indexName": "GSI3-StatusIndex",
        "tableName": "test-reports",
        "keySchemas": [
            {"attributeName": "status", "attributeType": "S", "keyType": "HASH"},
            {"attributeName": "timestamp", "attributeType": "S", "keyType": "RANGE"},
        ],
        "projection": {"projectionType": "ALL"},
        "provisionedThroughput": {"readCapacityUnits": 5.0, "writeCapacityUnits": 15.0},
        "timeouts": {"create": "1440m", "update": "1440m", "delete": "1440m"},
    }


def test_how_long_an_index_may_take_is_an_input_for_pulumis_own_timeouts_have_no_effect_on_it(run: Run) -> None:
    index = run(after(), present(SITELOGIX, after())).registered["reports/GSI3-StatusIndex"]
    assert not index.HasField("customTimeouts")


def test_an_index_that_is_in_the_state_keeps_the_timeouts_that_it_has_there(run: Run) -> None:
    monitor = run(after(), present(SITELOGIX, after()).settling({STATUS}))
    indexes = [request for request in monitor.registered.values() if request.type == INDEX_TYPE]
    assert all("timeouts" in index.ignoreChanges for index in indexes)


def test_a_settling_index_gets_its_steady_capacity(run: Run) -> None:
    declaration = present(SITELOGIX, after()).settling({STATUS})
    monitor = run(after(), declaration)
    wanted = inputs(monitor, "reports/GSI3-StatusIndex")["provisionedThroughput"]
    assert wanted == {"readCapacityUnits": 5.0, "writeCapacityUnits": 5.0}
    assert list(monitor.registered["reports/GSI3-StatusIndex"].ignoreChanges) == kept_of_index(keep_capacity=False)


def test_the_capacity_of_any_other_index_of_an_adopted_table_is_left_as_it_is(run: Run) -> None:
    index = run(after(), present(SITELOGIX, after())).registered["reports/GSI1-ProjectIndex"]
    assert list(index.ignoreChanges) == kept_of_index(keep_capacity=True)
    assert "provisionedThroughput" in index.ignoreChanges


def test_an_index_on_an_on_demand_table_declares_no_capacity(run: Run) -> None:
    world = with_table(before(), "reports", billing_mode=BillingMode.ON_DEMAND, throughput=None)
    monitor = run(world, present(SITELOGIX, world).with_index(STATUS))
    assert "provisionedThroughput" not in inputs(monitor, "reports/GSI3-StatusIndex")


def test_an_unapproved_retired_index_stays_declared_while_it_is_live(run: Run) -> None:
    monitor = run(before(), whole(SITELOGIX, settings(), before().live))
    assert "personnel/GSI2-ProjectIndex" in monitor.registered


def test_a_retired_index_that_is_gone_is_never_declared(run: Run) -> None:
    monitor = run(after(), whole(SITELOGIX, settings(), after().live))
    assert "personnel/GSI2-ProjectIndex" not in monitor.registered


def test_every_hook_is_always_registered(run: Run) -> None:
    nothing = replace(Declaration(), tables=frozenset())
    assert sorted(run(before(), nothing).hooks.names) == [
        "index-after-create",
        "index-after-delete",
        "index-after-update",
        "index-before-create",
        "index-before-delete",
        "index-before-update",
        "index-on-error",
        "table-before-create",
        "table-before-delete",
        "table-before-update",
    ]


def test_every_table_and_index_is_bound_to_the_guards(run: Run) -> None:
    monitor = run(after(), present(SITELOGIX, after()))
    for name, request in monitor.registered.items():
        if request.type == TABLE_TYPE:
            assert list(request.hooks.before_create) == ["table-before-create"], name
            assert list(request.hooks.before_delete) == ["table-before-delete"], name
        if request.type == INDEX_TYPE:
            assert list(request.hooks.before_create) == ["index-before-create"], name
            assert list(request.hooks.before_delete) == ["index-before-delete"], name


def test_a_stream_that_the_stack_keeps_is_declared_as_it_is_live(run: Run) -> None:
    world = with_table(after(), "vendors", stream="KEYS_ONLY")
    monitor = run(world, whole(SITELOGIX, settings(), world.live))
    assert inputs(monitor, "vendors")["streamViewType"] == "KEYS_ONLY"
    assert inputs(monitor, "reports")["streamViewType"] == "NEW_AND_OLD_IMAGES"
    off = with_table(after(), "vendors", stream=None)
    assert inputs(run(off, whole(SITELOGIX, settings(), off.live)), "vendors")["streamViewType"] == "NEW_AND_OLD_IMAGES"


def test_the_stack_exports_names_and_arns_and_the_schema_digest(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    exported: dict[str, Any] = {}

    def export(name: str, value: Any) -> None:
        pulumi.Output.from_input(value).apply(lambda known: exported.update({name: known}))

    monkeypatch.setattr(pulumi, "export", export)
    world = with_table(after(), "reports", stream_arn="arn:live")
    run(world, present(SITELOGIX, world))
    assert exported["schemaDigest"] == SITELOGIX.digest
    assert set(exported["tables"]) == set(exported["streamArns"]) == {table.name for table in SITELOGIX}
    assert exported["tables"]["reports"] == {
        "name": "test-reports",
        "arn": "arn:reports",
        "streamArn": "arn:live",
        "indexes": {index.name: f"arn:reports/{index.name}" for index in REPORTS.indexes},
    }
    assert exported["streamArns"]["reports"] == "arn:live"


def test_a_stream_that_this_run_switches_on_has_an_arn_only_afterwards(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", lambda name, value: exported.update({name: value}))
    world = with_table(after(), "reports", stream=None, stream_arn=None)
    run(world, present(SITELOGIX, world))
    assert isinstance(exported["streamArns"]["reports"], pulumi.Output)
