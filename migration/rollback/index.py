"""Taking indexes back: a new one is removed, a retired one that is gone is built again. Pulumi does both."""

from __future__ import annotations

from collections.abc import Iterator

from migration.rollback.proposal import Proposal, RolledBack, ahead, planned, roll_back
from migration.session.context import Context
from migration.steps.indexes.create_index import CreateIndex
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.indexes.settle_capacity import SettleCapacity
from migration.steps.indexes.verify_index import VerifyIndex
from migration.steps.stack.verify import VerifyRollback
from migration.steps.stack.wait import Wait, WaitDeletable, deletable
from migration.steps.step import Step
from schema.errors import Refused
from schema.model import Index, RetiredIndex, Table
from stack.gates.claims import Claim
from stack.gates.late_writers import is_begun, is_verified
from stack.ledger.records import TableProof
from stack.world.live import ACTIVE, LiveIndex, LiveTable, building_throughput, will_be_live
from stack.world.refusing import refuse_unsupported
from stack.world.world import World


def index_rollback(context: Context, table_name: str, name: str) -> Proposal[RolledBack]:
    """The rollback of one index of the schema. Raises Refused."""
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    refuse_unsupported(world.live)
    table = context.schema.table(table_name)
    index = table.index(name)
    status = context.command("status")
    if table_name not in world.live:
        raise Refused(f"Table {table_name} does not exist.", "So there is no index to roll back.", status)
    if table_name not in world.managed.tables and world.proofs.get(TableProof, table_name) is None:
        raise Refused(
            f"Table {table_name} was never adopted.",
            "No run has changed its indexes, so there is nothing to roll back.",
            status,
        )
    retired = next((retired for retired in table.retired if retired.name == name), None)
    if retired is not None:
        return _building_again(context, world, table, retired)
    if index.existing:
        raise Refused(
            f"Index {table.ref(index)} is no new one.",
            "It was live before the migration, which neither made it nor removes it.",
            "Only a new index, or a retired one that is gone, is rolled back.",
        )
    return _removal(context, world, table, index)


def _removal(context: Context, world: World, table: Table, index: Index) -> Proposal[RolledBack]:
    ref, live = table.ref(index), world.live[table.name]
    found = live.indexes.get(index.name)
    # One that a killed rollback has deleted is still in Pulumi's state.
    if found is None and ref not in world.managed.indexes:
        raise Refused(f"Index {ref} is not there.", "So there is nothing to roll back.", context.command("plan"))
    says = [f"Removes index {ref}{_state(found)}. Items stay as they are; `migrate` builds it again."]
    if not deletable(live, index.name):
        says.append("First waits until AWS allows that: not before it backfills, or is ACTIVE, and no other changes.")
    says += [f"What reads it fails from then on: {pattern.name}." for pattern in context.schema.patterns_on(ref)]
    says += [
        f"It replaced {retired.name}, which is {'still there' if retired.name in live.indexes else 'gone'}."
        for retired in table.retired
        if retired.replaced_by == index.name
    ]
    create = CreateIndex(schema=context.schema, table=table, index=index, building=None)

    def steps(world: World) -> Iterator[Step]:
        if not deletable(world.live[table.name], index.name):
            yield WaitDeletable(table=table, index=index)
        if index.name in world.live[table.name].indexes or ref in world.managed.indexes:
            yield from create.undo()
        yield VerifyRollback(names=(table.name,), index=ref, claims=holds)

    def holds(context: Context, world: World) -> Iterator[Claim]:
        there = world.live_index(ref)
        yield Claim(f"AWS lacks {ref}", there is None, there.status if there else "it is gone")
        yield Claim("Pulumi's state lacks it", ref not in world.managed.indexes, "read from the state")
        if (left := planned(context, world)) is not None:
            builds = any(isinstance(step, CreateIndex) and step.ref == ref for step in left)
            yield Claim("the plan builds it again", builds, f"{len(left)} steps")

    def do() -> RolledBack:
        summary = roll_back(context, f"index {ref}", steps)
        return RolledBack(summary.run or "", f"Index {ref} is removed.", {"removed": str(ref)}, ahead(context))

    return Proposal(tuple(says), do)


def _building_again(context: Context, world: World, table: Table, retired: RetiredIndex) -> Proposal[RolledBack]:
    ref, index = retired.ref(table), retired.index
    begun = is_begun(table, index, world.proofs) and not is_verified(table, index, world.proofs)
    if will_be_live(world.live[table.name], retired.name) and not begun:
        raise Refused(
            f"Index {ref} is there.", "It was not removed, so there is nothing to roll back.", context.command("plan")
        )
    capacity = index.throughput
    steady = f"{capacity.read}/{capacity.write} units" if capacity else "on demand"
    says = (
        f"Builds index {ref} again, of all items of {table.name} that have its keys; waits until it is ACTIVE.",
        f"Its capacity is the schema's ({steady}); scaling and alarms that others had set on it do not come back.",
        "Its removal then needs a newer approval.",
    )
    remove = RemoveIndex(schema=context.schema, table=table, index=index, retired=retired)

    def steps(world: World) -> Iterator[Step]:
        live = world.live[table.name]
        if not live.is_idle:
            yield Wait(names=(table.name,))
        yield from remove.undo()
        if _is_built_with_more(live, index):
            yield SettleCapacity(schema=context.schema, steady=((ref, index),))
        yield VerifyIndex(table=table, index=index)
        yield VerifyRollback(names=(table.name,), index=ref, claims=holds)

    def holds(context: Context, world: World) -> Iterator[Claim]:
        there = world.live_index(ref)
        status = there.status if there else "missing"
        yield Claim(f"{ref} is ACTIVE", status == ACTIVE, status)
        same = there is not None and there.index.definition == index.definition
        yield Claim("its keys and projection are the schema's", same, "compared with the schema")
        yield Claim("Pulumi's state has it", ref in world.managed.indexes, "read from the state")

    def do() -> RolledBack:
        summary = roll_back(context, f"the removal of index {ref}", steps)
        return RolledBack(summary.run or "", f"Index {ref} is there again.", {"built": str(ref)}, ahead(context))

    return Proposal(says, do)


def _is_built_with_more(live: LiveTable, index: Index) -> bool:
    """Whether the index has, or will be built with, more than its steady capacity."""
    if live.throughput is None or index.throughput is None:
        return False
    found = live.indexes.get(index.name)
    built = found.index.throughput if found else building_throughput(live, index.throughput)
    return built != index.throughput


def _state(found: LiveIndex | None) -> str:
    if found is None:
        return ", which AWS has deleted already"
    return "" if found.status == ACTIVE else f", which is {found.status}"
