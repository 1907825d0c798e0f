"""A state with the type tokens of older versions: nothing in it is made anew, and its guards still work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components import indexed_table, monitoring
from migration.rollback.index import index_rollback
from schema.errors import Refused
from stack.declaration import present, whole
from tests.snapshots import Snapshot, forget
from tests.stacks import APPROVED, NEW, SCHEMA, SmallStack

FORMER = {"sitelogix:dynamodb:IndexedTable", "sitelogix:cloudwatch:Monitoring"}
TYPES = {"keyshift:dynamodb:IndexedTable", "keyshift:cloudwatch:Monitoring"}


@pytest.fixture(scope="module")
def older(
    migrated_once: Snapshot, tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str
) -> Iterator[SmallStack]:
    """A migrated stack whose state is as the program of an older version leaves it: the engine writes it."""
    stack = migrated_once.copy(tmp_path_factory.mktemp("older"), moto_endpoint, SCHEMA, APPROVED)
    with pytest.MonkeyPatch.context() as patch:
        for module in (indexed_table, monitoring):
            now, former = module.TYPE, module.FORMER_TYPE
            patch.setattr(module, "TYPE", former)
            patch.setattr(module, "FORMER_TYPE", now)
        context = stack.context()
        world = context.read_world()
        context.engine.up(world.live, present(SCHEMA, world))
    yield stack
    forget(stack)


@pytest.fixture
def former(older: SmallStack, migrated: SmallStack) -> SmallStack:
    """A migrated stack with that state."""
    migrated.replace_checkpoint(json.loads(json.dumps(older.checkpoint()).replace(older.prefix, migrated.prefix)))
    assert component_types(migrated) == FORMER
    assert parents_in_urns(migrated) == FORMER
    return migrated


def resources(stack: SmallStack) -> list[dict[str, Any]]:
    """All that Pulumi's state holds but the stack itself and the provider."""
    found = stack.checkpoint()["checkpoint"]["latest"]["resources"]
    return [resource for resource in found if not resource["type"].startswith("pulumi:")]


def component_types(stack: SmallStack) -> set[str]:
    return {resource["type"] for resource in resources(stack) if not resource.get("custom")}


def children(stack: SmallStack) -> dict[str, str]:
    """The physical id of each table, index and monitor, by its URN."""
    return {resource["urn"]: resource["id"] for resource in resources(stack) if resource.get("custom")}


def parents_in_urns(stack: SmallStack) -> set[str]:
    return {urn.split("::")[2].partition("$")[0] for urn in children(stack)}


def by_name(stack: SmallStack) -> dict[tuple[str, str], str]:
    """The physical ids by type and name."""
    return {(urn.split("::")[2].rpartition("$")[2], urn.split("::")[3]): id for urn, id in children(stack).items()}


def live(stack: SmallStack) -> dict[str, Any]:
    """When each table was made, its stream, and its indexes: a table that is made again has others."""
    tables = [stack.client.describe_table(TableName=stack.physical(table.name))["Table"] for table in SCHEMA]
    return {
        table["TableName"]: (table["CreationDateTime"], table["LatestStreamArn"], stack.indexes(known.name))
        for known, table in zip(SCHEMA, tables, strict=True)
    }


def test_a_preview_plans_no_change(former: SmallStack) -> None:
    context = former.context()
    world = context.read_world()
    assert context.engine.preview(world.live, whole(SCHEMA, context.config.settings, world.live)) == []


def test_an_up_gives_everything_its_new_type_and_keeps_it(former: SmallStack) -> None:
    before, tables = by_name(former), live(former)
    context = former.context()
    world = context.read_world()
    assert context.engine.up(world.live, present(SCHEMA, world)) == []
    assert component_types(former) == TYPES
    assert parents_in_urns(former) == TYPES
    assert by_name(former) == before
    assert live(former) == tables
    assert context.read_world().managed == world.managed


def test_a_hook_still_refuses_to_delete_what_such_a_state_holds(former: SmallStack) -> None:
    context = former.context()
    world = context.read_world()
    with pytest.raises(Refused, match=f"Pulumi must not delete index {NEW}."):
        context.engine.up(world.live, present(SCHEMA, world).without_index(NEW), frozenset({str(NEW)}))
    assert NEW.index in former.indexes("personnel")


def test_a_rollback_deletes_an_index_that_such_a_state_holds(former: SmallStack) -> None:
    assert index_rollback(former.context(), NEW.table, NEW.index).do().did == f"Index {NEW} is removed."
    assert former.indexes("personnel") == ["GSI1-NameIndex"]
    assert component_types(former) == TYPES
