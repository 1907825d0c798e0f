"""What killed runs and AWS itself leave behind, on the real engine: the next run clears it away, or waits for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from local.stack import create_table
from migration.run.runner import migrate
from schema.errors import EngineLost, Interrupted, Refused, Waiting
from sitelogix.tables import PERSONNEL, WORK_LOGS
from stack.ledger.ledger import Facts
from stack.processes import host
from tests.silence import SilentReporter
from tests.stacks import NEW, SmallStack


class Watching(SilentReporter):
    """Keeps what a run tells of its progress, and does something at the first that it tells."""

    def __init__(self, then: Callable[[], object]) -> None:
        self.told: list[str] = []
        self.then = then

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        self.told.append(text)
        if len(self.told) == 1:
            self.then()


def becoming(stack: SmallStack, index: str, status: str) -> Callable[[], None]:
    """Has AWS say that an index of personnel is in that state, until the answer is called: then it is what comes
    of it."""
    backend: Any = dynamodb_backends["123456789012"]["us-east-1"]
    found = next(one for one in backend.tables[stack.physical("personnel")].global_indexes if one.name == index)
    found.status = status

    def end() -> None:
        if status == "DELETING":
            stack.drop_by_hand("personnel", index)
        found.status = "ACTIVE"

    return end


@pytest.mark.parametrize("status", ["CREATING", pytest.param("DELETING", marks=pytest.mark.long)])
def test_an_index_that_is_being_created_or_deleted_is_waited_for_and_then_adopted_or_made(
    stack: SmallStack, status: str
) -> None:
    stack.build_by_hand("personnel", PERSONNEL.index("GSI2-StatusIndex"), units=9)
    context = stack.context()
    watching = context.reporter = Watching(becoming(stack, "GSI2-StatusIndex", status))
    done = [one.step.name for one in migrate(context).done]
    assert done[1] == "wait personnel"
    assert watching.told[0] == f"GSI2-StatusIndex {status}"
    assert (f"create-index {NEW}" in done) == (status == "DELETING")
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_a_pause_and_an_interruption_end_the_waiting_for_an_index(stack: SmallStack) -> None:
    stack.build_by_hand("personnel", PERSONNEL.index("GSI2-StatusIndex"))
    becoming(stack, "GSI2-StatusIndex", "CREATING")
    context = stack.context()
    context.ledger.create()
    watching = context.reporter = Watching(context.ledger.pause)
    with pytest.raises(Waiting, match="Stack local is paused"):
        migrate(context)
    assert watching.told[0] == "GSI2-StatusIndex CREATING"
    context.ledger.resume()
    context.reporter = Watching(context.interrupts.requested.set)
    with pytest.raises(Interrupted, match=r"Stopped in wait personnel, step 1 of \d+\."):
        migrate(context)


def test_a_table_that_a_crashed_plugin_left_behind_is_adopted(stack: SmallStack) -> None:
    create_table(stack.client, stack.physical("work-logs"), replace(WORK_LOGS, indexes=WORK_LOGS.indexes[:1]))
    done = [one.step.name for one in stack.migrate().done]
    assert "create-tables work-logs" not in done
    assert "create-index work-logs/GSI2-TeamIndex" in done
    assert stack.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]
    assert stack.world().live["work-logs"].deletion_protection


def test_what_a_killed_up_left_pending_is_cleared(migrated: SmallStack) -> None:
    state = migrated.checkpoint()
    latest = state["checkpoint"]["latest"]
    new = next(resource for resource in latest["resources"] if resource["urn"].endswith(f"::{NEW}"))
    latest["resources"] = [resource for resource in latest["resources"] if resource is not new]
    pending = {name: value for name, value in new.items() if name not in {"id", "outputs", "created", "modified"}}
    latest["pending_operations"] = [{"resource": pending, "type": "creating"}]
    migrated.replace_checkpoint(state)
    assert migrated.world().managed.pending == 1
    assert [one.step.name for one in migrated.migrate().done] == ["adopt personnel", "verify"]
    world = migrated.world()
    assert (world.managed.pending, NEW in world.managed.indexes) == (0, True)


def test_a_lost_state_is_made_again_from_what_is_live(migrated: SmallStack) -> None:
    before = migrated.world().managed
    shutil.rmtree(migrated.directory / ".local" / "state")
    assert [one.step.name for one in migrated.migrate().done] == ["adopt personnel, work-logs", "verify"]
    assert migrated.world().managed == before


def test_a_connection_to_the_engine_that_breaks_is_planned_anew_once_a_step(stack: SmallStack) -> None:
    context = stack.context()
    working, broken = context.engine.up, iter([True, False, False, True])

    def up(*arguments: Any, **named: Any) -> Any:
        if next(broken, False):
            raise EngineLost("`pulumi up` failed.", "The connection to the Pulumi engine broke.", "")
        return working(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        summary = migrate(context)
    assert summary.blocked == ()
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_what_a_lost_engine_has_created_is_adopted_by_the_same_run(stack: SmallStack) -> None:
    context = stack.context()
    working, calls = context.engine.up, iter(range(100))

    def up(*arguments: Any, **named: Any) -> Any:
        if next(calls) == 1:
            stack.build_by_hand("personnel", PERSONNEL.index("GSI2-StatusIndex"), units=9)
            raise EngineLost("`pulumi up` failed.", "The Pulumi engine was ended by signal 9.", "")
        return working(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        done = [one.step.name for one in migrate(context).done]
    assert done.count("adopt personnel") == 2
    assert f"create-index {NEW}" not in done
    assert NEW in stack.world().managed.indexes


def test_a_connection_that_breaks_twice_in_a_step_ends_the_run(stack: SmallStack) -> None:
    context = stack.context()

    def up(*arguments: Any, **named: Any) -> Any:
        raise EngineLost("`pulumi up` failed.", "The connection to the Pulumi engine broke.", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.engine, "up", up)
        with pytest.raises(EngineLost):
            migrate(context)
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex"]


def lock_state(stack: SmallStack, machine: str, pid: int, at: datetime) -> Path:
    """Leaves a lock as Pulumi leaves one."""
    directory = stack.state / "locks" / "organization" / "sitelogix" / "local"
    directory.mkdir(parents=True, exist_ok=True)
    lock = directory / f"{uuid.uuid4()}.json"
    told = {"pid": pid, "username": "somebody", "hostname": machine, "timestamp": at.isoformat()}
    lock.write_text(json.dumps(told), encoding="utf-8")
    return lock


def test_a_lock_of_pulumis_is_cancelled_only_when_its_owner_is_surely_gone(migrated: SmallStack) -> None:
    now = datetime.now(UTC)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as another:
        time.sleep(0.1)
        migrated.drop_by_hand("work-logs", "GSI2-TeamIndex")
        alive, of_another_machine = (host(), another.pid), ("elsewhere", 1)
        for machine, pid in (alive, of_another_machine):
            lock = lock_state(migrated, machine, pid, now + timedelta(seconds=5))
            with pytest.raises(Refused, match="Another Pulumi process holds this stack's state") as refused:
                migrated.migrate()
            assert f"created by somebody@{machine} (pid {pid})" in refused.value.why
            assert lock.exists()
            assert "GSI2-TeamIndex" not in migrated.indexes("work-logs")
            lock.unlink()
        # The same id, but of a process that started after the lock was made: that one's owner is gone.
        lock = lock_state(migrated, host(), another.pid, now - timedelta(hours=1))
        migrated.migrate()
        assert not lock.exists()
        # A zombie answers to its id, and is gone all the same.
        another.kill()
        migrated.drop_by_hand("work-logs", "GSI2-TeamIndex")
        lock = lock_state(migrated, host(), another.pid, now + timedelta(seconds=5))
        migrated.migrate()
        assert not lock.exists()
    assert migrated.indexes("work-logs") == ["GSI1-ProjectDateIndex", "GSI2-TeamIndex"]
