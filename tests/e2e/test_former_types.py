"""A state with the type tokens of older versions: nothing in it is made anew, and its guards still work."""

from __future__ import annotations

from typing import Any

import pytest

from components import indexed_table, monitoring
from schema.errors import Refused
from stack.declaration import present, whole
from tests.e2e.conftest import Kept
from tests.stacks import APPROVED, NEW, OLD, PEOPLE, SCHEMA, SmallStack

FORMER = {"sitelogix:dynamodb:IndexedTable", "sitelogix:cloudwatch:Monitoring"}
TYPES = {"keyshift:dynamodb:IndexedTable", "keyshift:cloudwatch:Monitoring"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Kept:
    """A migrated stack of an older version: only the old index is still there, because nobody has approved its end."""
    directory = tmp_path_factory.mktemp("former")
    made = SmallStack.make(directory, moto_endpoint, SCHEMA)
    made.seed({"personnel": PEOPLE})
    with pytest.MonkeyPatch.context() as patch:
        for module in (indexed_table, monitoring):
            patch.setattr(module, "TYPE", module.FORMER_TYPE)
        made.migrate()
    return Kept.of(made, directory / "kept")


@pytest.fixture
def former(kept: Kept) -> SmallStack:
    """That stack, approving nothing."""
    stack = kept.put_back()
    stack.configure("")
    assert component_types(stack) == FORMER
    assert all(urn.split("::")[2].partition("$")[0] in FORMER for urn in children(stack))
    return stack


def resources(stack: SmallStack) -> list[dict[str, Any]]:
    """All that Pulumi's state holds but the stack itself and the provider."""
    found = stack.checkpoint()["checkpoint"]["latest"]["resources"]
    return [resource for resource in found if not resource["type"].startswith("pulumi:")]


def component_types(stack: SmallStack) -> set[str]:
    return {resource["type"] for resource in resources(stack) if not resource.get("custom")}


def children(stack: SmallStack) -> dict[str, str]:
    """The physical id of each table, index and watcher, by its URN."""
    return {resource["urn"]: resource["id"] for resource in resources(stack) if resource.get("custom")}


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
    assert context.engine.preview(world.live, present(SCHEMA, world)) == []
    assert context.engine.preview(world.live, whole(SCHEMA, context.config.settings, world.live)) == []


def test_an_up_gives_everything_its_new_type_and_keeps_it(former: SmallStack) -> None:
    before, tables = by_name(former), live(former)
    context = former.context()
    world = context.read_world()
    assert context.engine.up(world.live, present(SCHEMA, world)) == []
    assert component_types(former) == TYPES
    assert {urn.split("::")[2].partition("$")[0] for urn in children(former)} == TYPES
    assert by_name(former) == before
    assert live(former) == tables
    assert context.read_world().managed == world.managed
    # Once more: now the state has the new tokens, and the aliases find nothing.
    assert context.engine.up(world.live, present(SCHEMA, world)) == []


def test_a_hook_still_refuses_to_delete_what_such_a_state_holds(former: SmallStack) -> None:
    context = former.context()
    world = context.read_world()
    with pytest.raises(Refused, match=f"Index {OLD} must not be removed yet."):
        context.engine.up(world.live, present(SCHEMA, world).without_index(OLD), frozenset({str(OLD)}))
    assert OLD.index in former.indexes("personnel")


def test_a_run_goes_on_with_such_a_state_and_removes_the_old_index(former: SmallStack) -> None:
    former.configure(APPROVED)
    summary = former.migrate()
    assert [done.step.name for done in summary.done][-2:] == [f"remove-index {OLD}", "verify"]
    assert former.indexes("personnel") == ["GSI1-NameIndex", NEW.index]
    assert component_types(former) == TYPES
    assert former.migrate().done == []
