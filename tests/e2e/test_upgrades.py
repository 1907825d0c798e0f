"""Upgrades in the middle: a stack that an earlier release has left half migrated is finished by this one.

tests/releases/make.py keeps such stacks, at each release.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migration.run.runner import migrate
from stack.allowed_changes import ResourceChange
from stack.ledger.records import STACK, LeastVersionProof
from stack.ledger.versions import LEAST_VERSION
from stack.world.managed import MONITOR_TYPES
from tests.releases.kept import blank, load, restore
from tests.snapshots import forget
from tests.stacks import APPROVED, OLD, SmallStack

KEPT = sorted((Path(__file__).resolve().parents[1] / "releases").glob("*/*.json.gz"))
DONE_BEFORE = {
    "killed-in-a-backfill": {"backup personnel", "adopt personnel"},
    "killed-in-an-up": {"backup personnel", "backfill personnel"},
    "waiting-for-an-approval": {
        "backup personnel",
        "adopt personnel",
        "backfill personnel",
        "create-index personnel/GSI2-StatusIndex",
        "create-tables work-logs",
    },
}
"""Steps that each release had done by then, so that nobody does them again."""


@pytest.fixture
def stack(tmp_path: Path, moto_endpoint: str, kept: Path) -> Iterator[SmallStack]:
    """A stack as a release left it. Since then the removal of the old index was approved."""
    made = blank(tmp_path, moto_endpoint, APPROVED)
    restore(load(kept), made)
    yield made
    forget(made)


def people(stack: SmallStack) -> dict[tuple[str, str], Any]:
    pages = stack.client.get_paginator("scan").paginate(TableName=stack.physical("personnel"))
    return {(item["PK"]["S"], item["SK"]["S"]): item for page in pages for item in page["Items"]}


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: f"{kept.parent.name} {kept.name.partition('.')[0]}")
def test_what_a_release_has_left_half_migrated_is_finished_by_this_one(kept: Path, stack: SmallStack) -> None:
    before = people(stack)
    context, changes = stack.context(), list[ResourceChange]()
    working = context.engine.up

    def up(*arguments: Any, **named: Any) -> list[ResourceChange]:
        done = working(*arguments, **named)
        changes.extend(done)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        summary = migrate(context)
    assert summary.blocked == ()
    done = [one.step.name for one in summary.done]
    assert done[-1] == "verify"
    assert DONE_BEFORE[kept.name.partition(".")[0]] & set(done) == set()
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    assert stack.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]

    assert {one.operation for one in changes} <= {"create", "delete", "import", "update"}, "no replacement"
    deleted = {one.resource for one in changes if one.operation == "delete" and one.type not in MONITOR_TYPES}
    assert deleted == {str(OLD)}

    after = people(stack)
    filled = {"status", "dateLastSeen"}
    assert after.keys() == before.keys()
    for key, item in after.items():
        assert {name: value for name, value in item.items() if name not in filled} == {
            name: value for name, value in before[key].items() if name not in filled
        }
        assert filled <= item.keys() or key[1] != "PROFILE"
    assert list((stack.state / "locks").rglob("*.json")) == []
    proof = stack.context().ledger.proof(LeastVersionProof, STACK)
    assert proof is not None
    assert proof.version == LEAST_VERSION


def test_there_is_a_stack_of_every_release_and_moment() -> None:
    releases = {kept.parent for kept in KEPT}
    assert {release.name for release in releases} >= {"0.1.0"}
    for release in releases:
        assert {kept.name.partition(".")[0] for kept in release.iterdir()} == DONE_BEFORE.keys()
