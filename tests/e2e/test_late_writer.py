"""Old code that writes throughout a whole migration, on the real engine: nothing of it is lost, and no reader is let in
too early."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from migration.run.items import find_late_writers, readiness
from migration.run.status import status
from schema.references import IndexRef
from stack.ledger.records import LateWritersProof
from tests.stacks import APPROVED, NEW, OLD, PEOPLE, SCHEMA, SmallStack

WINDOW = "{minutes: 0.05, everyMinutes: 5, leastWrites: 0}"
"""Three seconds."""


@contextmanager
def late_writer(stack: SmallStack) -> Iterator[list[str]]:
    """Writes profiles without `status` and `dateLastSeen`, as old code does, while the block runs. Gives their ids."""
    stopped, written, client = threading.Event(), list[str](), stack.client

    def write() -> None:
        for number in itertools.count():
            if stopped.wait(0.3):
                return
            id = f"PERSON#late-{number}"
            item: dict[str, Any] = {"PK": {"S": id}, "SK": {"S": "PROFILE"}, "full_name": {"S": "Ana"}}
            client.put_item(TableName=stack.physical("personnel"), Item=item)
            written.append(id)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stopped.set()
        thread.join()


def states(stack: SmallStack) -> dict[IndexRef, str]:
    world = stack.world()
    found = status(SCHEMA, stack.context().config.settings, world)
    return {IndexRef(each.table, each.index): each.state for each in found if each.index}


def items(stack: SmallStack) -> list[dict[str, Any]]:
    pages = stack.client.get_paginator("scan").paginate(TableName=stack.physical("personnel"), ConsistentRead=True)
    return [dict(item) for page in pages for item in page["Items"] if item["SK"] == {"S": "PROFILE"}]


def test_an_index_is_built_under_a_late_writer_and_read_ready_only_after_it_has_stopped(
    tmp_path: Path, moto_endpoint: str
) -> None:
    stack = SmallStack.make(tmp_path, moto_endpoint, SCHEMA)
    stack.watch = WINDOW
    # All of them are active: the index has one partition key value.
    stack.configure(f"{APPROVED}  sitelogix:acceptedHotKeys: {{{NEW}: 1.0}}\n")
    stack.seed({"personnel": PEOPLE})

    with late_writer(stack) as written:
        summary = stack.migrate()
        assert {blocked.ref for blocked in summary.blocked} == {NEW, OLD}
        assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex", "GSI2-StatusIndex"]
        assert (states(stack)[NEW], states(stack)[OLD]) == ("built", "awaiting removal")
        # Again and again: it stays shut for as long as they write.
        for _ in range(2):
            world = find_late_writers(stack.context(), None, once=True)
            ((ref, claim),) = readiness(stack.context(), world, None)
            assert (ref, claim.holds) == (NEW, False)
            assert "items of a late writer at" in claim.evidence
            record = world.proofs.get(LateWritersProof, "personnel")
            assert record is not None
            assert record.last_late > 0
        assert len(written) > 10

    world = find_late_writers(stack.context(), None, once=False)
    assert states(stack)[NEW] == "read-ready"
    record = world.proofs.get(LateWritersProof, "personnel")
    assert record is not None
    assert record.late > 0
    profiles = items(stack)
    assert len(profiles) == len(written) + 1
    assert all({"status", "dateLastSeen"} <= set(item) for item in profiles)

    done = [one.step.name for one in stack.migrate().done]
    assert done[-2:] == [f"remove-index {OLD}", "verify"]
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    through_index = stack.client.query(
        TableName=stack.physical("personnel"),
        IndexName="GSI2-StatusIndex",
        KeyConditionExpression="#s = :active",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":active": {"S": "active"}},
    )
    assert through_index["Count"] == len(profiles)
