"""Taking indexes back: a new one is removed, a retired one that is gone is built again. Pulumi does both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from migration.checks.querying import query_index
from migration.rollback.stages import Proposal, Stage, agreed, ahead, forget, planned, through, verifying
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import settled, wait_for
from migration.steps.proving import note_own_read
from migration.steps.step import Action, Step
from schema.errors import Refused
from schema.model import Index, RetiredIndex, Table
from stack.capacity import building_throughput
from stack.declaration import present
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Facts, now
from stack.processes import who
from stack.world.live import ACTIVE, DELETING, LiveIndex, LiveTable
from stack.world.managed import index_resource
from stack.world.world import World


@dataclass(frozen=True)
class RolledBack:
    """A rollback that is done and verified: the id of its `run` in the history, what it `did`, what was recorded of
    that, and the steps that are `ahead`: what `migrate` would do now."""

    run: str
    did: str
    facts: Facts
    ahead: tuple[str, ...]


def index_rollback(context: Context, table_name: str, name: str) -> Proposal[RolledBack]:
    """The rollback of one index of the schema. Raises Refused."""
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    table = context.schema.table(table_name)
    index, live = table.index(name), world.live.get(table_name)
    status = f"Run: ./invoke status --stack {context.config.stack}"
    if live is None:
        raise Refused(f"Table {table_name} does not exist.", "So there is no index to roll back.", status)
    if table_name not in world.managed.tables and world.proofs.of("table", table_name) is None:
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
            f"Index {table_name}/{name} is no new one.",
            "It was live before the migration, which neither made it nor removes it.",
            "Only a new index, or a retired one that is gone, is rolled back.",
        )
    return _removal(context, world, table, index)


def _removal(context: Context, world: World, table: Table, index: Index) -> Proposal[RolledBack]:
    resource = index_resource(table.name, index.name)
    live = world.live[table.name]
    found = live.indexes.get(index.name)
    # One that a killed rollback has deleted is still in Pulumi's state.
    if found is None and resource not in world.managed.indexes:
        raise Refused(
            f"Index {resource} is not there.",
            "So there is nothing to roll back.",
            f"Run: ./invoke plan --stack {context.config.stack}",
        )
    says = [f"Removes index {resource}{_state(found)}. Items stay as they are; `migrate` builds it again."]
    if found is not None and not deletable(live, index.name):
        says.append("First waits until AWS allows that: not before it backfills, or is ACTIVE, and no other changes.")
    says += [
        f"What reads it fails from then on: {pattern.name}."
        for pattern in context.schema.access_patterns
        if (pattern.table, pattern.index) == (table.name, index.name)
    ]
    says += [
        f"It replaced {retired.name}, which is {'still there' if retired.name in live.indexes else 'gone'}."
        for retired in table.retired
        if retired.replaced_by == index.name
    ]

    def do() -> RolledBack:
        run = through(context, f"index {resource}", _Removing(context, table, index).stages)
        return RolledBack(run, f"Index {resource} is removed.", {"removed": resource}, ahead(context))

    return Proposal(tuple(says), do)


@dataclass(frozen=True)
class _Removing:
    context: Context
    table: Table
    index: Index

    @property
    def resource(self) -> str:
        return index_resource(self.table.name, self.index.name)

    def stages(self, world: World) -> Iterable[Stage]:
        name, index = self.table.name, self.index.name
        if not deletable(world.live[name], index):
            yield Step(Action.WAIT, (name,), index), self.wait
        yield Step(Action.REMOVE_INDEX, (name,), index), self.remove
        yield verifying(self.context, Step(Action.VERIFY, (name,), index), self.holds)

    def wait(self) -> Facts:
        def allowed(live: LiveTable) -> bool:
            found = live.indexes.get(self.index.name)
            filling = " and backfilling" if found and found.backfilling else ""
            states = [f"{name} {other.status}" for name, other in live.indexes.items() if other.status != ACTIVE]
            self.context.observer.progress(0, 0, f"{', '.join(states) or f'table {live.status}'}{filling}")
            return deletable(live, self.index.name)

        wait_for(self.context, self.table.name, allowed)
        return {}

    def remove(self) -> Facts:
        context = self.context
        # Before it goes: from now on nothing is proven of it.
        forget(context, lambda subject: subject == self.resource)
        world = agreed(context)
        if self.index.name not in world.live[self.table.name].indexes:
            return {}
        with intending(context.ledger, Intent.DELETE, [self.resource]):
            context.engine.up(
                world.live,
                present(context.schema, world).without_index(self.resource),
                deletions=frozenset({self.resource}),
            )
        wait_for(context, self.table.name, lambda live: self.index.name not in live.indexes)
        return {}

    def holds(self, world: World) -> Iterable[tuple[str, bool]]:
        steps = planned(self.context, world)
        yield f"AWS lacks {self.resource}", self.index.name not in world.live[self.table.name].indexes
        yield "Pulumi's state lacks it", self.resource not in world.managed.indexes
        if steps is not None:
            builds = any((step.action, step.subject) == (Action.CREATE_INDEX, self.resource) for step in steps)
            yield "the plan builds it again", builds


def _building_again(context: Context, world: World, table: Table, retired: RetiredIndex) -> Proposal[RolledBack]:
    resource = index_resource(table.name, retired.name)
    found = world.live[table.name].indexes.get(retired.name)
    if found is not None and found.status != DELETING and not _is_unfinished(world, resource):
        raise Refused(
            f"Index {resource} is there.",
            "It was not removed, so there is nothing to roll back.",
            f"Run: ./invoke plan --stack {context.config.stack}",
        )
    capacity = retired.index.throughput
    steady = f"{capacity.read}/{capacity.write} units" if capacity else "on demand"
    says = [
        f"Builds index {resource} again, of all items of {table.name} that have its keys; waits until it is ACTIVE.",
        f"Its capacity is the schema's ({steady}); scaling and alarms that others had set on it do not come back.",
        "Its removal then needs a newer approval.",
    ]

    def do() -> RolledBack:
        run = through(context, f"the removal of index {resource}", _Building(context, table, retired).stages)
        return RolledBack(run, f"Index {resource} is there again.", {"built": resource}, ahead(context))

    return Proposal(tuple(says), do)


@dataclass(frozen=True)
class _Building:
    context: Context
    table: Table
    retired: RetiredIndex

    @property
    def resource(self) -> str:
        return index_resource(self.table.name, self.retired.name)

    def stages(self, world: World) -> Iterable[Stage]:
        name, index, live = self.table.name, self.retired.name, world.live[self.table.name]
        if not live.is_settled:
            yield Step(Action.WAIT, (name,)), self.wait
        yield Step(Action.CREATE_INDEX, (name,), index), self.build
        if self.is_built_with_more(live):
            yield Step(Action.SETTLE_CAPACITY, (name,)), self.settle
        yield Step(Action.VERIFY_INDEX, (name,), index), self.query
        yield verifying(self.context, Step(Action.VERIFY, (name,), index), self.holds)

    def is_built_with_more(self, live: LiveTable) -> bool:
        steady = self.retired.index.throughput
        return live.throughput is not None and steady is not None and building_throughput(live, steady) != steady

    def wait(self) -> Facts:
        wait_for(self.context, self.table.name, settled(self.context))
        return {}

    def build(self) -> Facts:
        context, world = self.context, agreed(self.context)
        live = world.live[self.table.name]
        # Before the `up`: an approval that was given until now is no leave to remove it once more.
        context.ledger.prove("rolled-back", self.resource, {"by": who()})
        if self.retired.name not in live.indexes:
            forget(context, lambda subject: subject == self.resource)
            context.ledger.prove_of("index", self.resource, live, {"started": now()})
            with intending(context.ledger, Intent.CREATE, [self.resource]):
                context.engine.up(world.live, present(context.schema, world).with_index(self.resource))
        wait_for(context, self.table.name, settled(context))
        return {}

    def query(self) -> Facts:
        context = self.context
        world = context.read_world()
        reader = reader_of(context, world.live[self.table.name])
        at, read_units = datetime.now(UTC), list[float]()
        facts = query_index(reader, self.table, self.retired.index, read_units.append)
        context.ledger.prove_of("index", self.resource, world.live[self.table.name], {**facts, "verified": now()})
        # Else the gate would take our own reads for somebody else's.
        step = Step(Action.VERIFY_INDEX, (self.table.name,), self.retired.name)
        note_own_read(context, world, step, at, sum(read_units))
        return facts

    def settle(self) -> Facts:
        world = self.context.read_world()
        declaration = present(self.context.schema, world).settling(frozenset({self.resource}))
        self.context.engine.up(world.live, declaration)
        steady = self.retired.index.throughput
        return {"capacity": {self.resource: f"{steady.read}/{steady.write}"} if steady else {}}

    def holds(self, world: World) -> Iterable[tuple[str, bool]]:
        found = world.live[self.table.name].indexes.get(self.retired.name)
        yield f"{self.resource} is ACTIVE", found is not None and found.status == ACTIVE
        same = found is not None and found.index.definition == self.retired.index.definition
        yield "its keys and projection are the schema's", same
        yield "Pulumi's state has it", self.resource in world.managed.indexes


def _is_unfinished(world: World, resource: str) -> bool:
    """Whether a killed rollback has begun to build it."""
    proof = world.proofs.of("index", resource)
    return proof is not None and "verified" not in proof


def deletable(live: LiveTable, name: str) -> bool:
    """Whether AWS would delete the index now: one that is being created only while it backfills, and one at a time."""
    found = live.indexes.get(name)
    if any(other.status != ACTIVE for key, other in live.indexes.items() if key != name):
        return False
    return found is None or found.backfilling or (live.status == ACTIVE and found.status == ACTIVE)


def _state(found: LiveIndex | None) -> str:
    if found is None:
        return ", which AWS has deleted already"
    return "" if found.status == ACTIVE else f", which is {found.status}"
