"""From any reachable state of the world, the plan ends at the schema without breaking a rule on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from migration.plan.plan import plan
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.stack.verify import Verify
from migration.steps.stack.wait import Wait
from migration.steps.tables.create_tables import CreateTables
from schema.model import Schema
from schema.references import IndexRef
from sitelogix.tables import SITELOGIX
from stack.ledger.proofs import Proofs
from stack.ledger.records import OwnReadProof, TableProof
from stack.world.live import LiveIndex
from stack.world.managed import Managed
from stack.world.world import World
from tests.simulation import Simulation
from tests.worlds import RETIRED, all_proofs, approving, live_table, readings
from tests.worlds import settings as stack_settings

STATES = st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "CREATING", "DELETING", "UPDATING"])
MOST_STEPS = 60


@st.composite
def worlds(draw: st.DrawFn, schema: Schema = SITELOGIX) -> World:
    """Any mixture of live, adopted, half-built, dropped and proven; tables that existed before are always there."""
    live: dict[str, Any] = {}
    for table in schema:
        if not table.existing and draw(st.booleans()):
            continue
        kept = tuple(index for index in table.every_index if draw(st.booleans()))
        found = live_table(table, kept, protected=draw(st.booleans()))
        indexes = {name: LiveIndex(index.index, status=draw(STATES)) for name, index in found.indexes.items()}
        live[table.name] = replace(found, indexes=indexes)
    known = [ref for ref in schema.every_ref if ref.table in live]
    managed = Managed(
        created=True,
        tables=frozenset(name for name in live if draw(st.booleans())),
        indexes=frozenset(ref for ref in known if draw(st.booleans())),
        pending=draw(st.integers(0, 1)),
    )
    proofs = Proofs.of(
        proof
        for proof in all_proofs(schema)
        if draw(st.booleans()) and not (isinstance(proof, TableProof) and proof.subject not in live)
    )
    seen: dict[datetime, float] | None = None if proofs.get(OwnReadProof, RETIRED) else {}
    return World(live=live, managed=managed, proofs=proofs, readings=readings(seen=seen))


@given(world=worlds(), approved=st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_plan_ends_at_the_schema_one_index_at_a_time(world: World, approved: bool) -> None:
    wanted = approving() if approved else stack_settings()
    simulation = Simulation(SITELOGIX, wanted, world)
    simulation.start()
    done: list[str] = []
    while steps := plan(SITELOGIX, wanted, simulation.world).steps:
        before = _indexes(simulation.world)
        simulation.apply(steps[0])
        assert steps[0].name not in done, f"{steps[0].name} does not get done"
        done.append(steps[0].name)
        assert len(done) < MOST_STEPS
        assert isinstance(steps[0], Verify) == (len(steps) == 1)
        if not isinstance(steps[0], Wait | CreateTables):
            assert len(before ^ _indexes(simulation.world)) <= 1
    _assert_at_the_schema(simulation.world, approved=approved)


@given(world=worlds())
@settings(max_examples=200, deadline=None)
def test_no_plan_removes_an_index_that_is_not_retired(world: World) -> None:
    retired = {index.ref(table) for table in SITELOGIX for index in table.retired}
    found = plan(SITELOGIX, approving(), world)
    assert {step.ref for step in found.steps if isinstance(step, RemoveIndex)} <= retired


@given(world=worlds())
@settings(max_examples=200, deadline=None)
def test_the_same_world_gives_the_same_plan(world: World) -> None:
    assert plan(SITELOGIX, approving(), world) == plan(SITELOGIX, approving(), world)


def _indexes(world: World) -> set[IndexRef]:
    return {IndexRef(name, index) for name, table in world.live.items() for index in table.indexes}


def _assert_at_the_schema(world: World, *, approved: bool) -> None:
    declared = {ref for table in SITELOGIX for ref in table.refs}
    retired = {index.ref(table) for table in SITELOGIX for index in table.retired}
    left = _indexes(world) - declared
    assert declared <= _indexes(world)
    assert left == set() if approved else left <= retired
    assert world.managed.indexes == _indexes(world)
    assert all(world.proofs.get(TableProof, table.name) is not None for table in SITELOGIX)
    assert world.managed.tables == frozenset(table.name for table in SITELOGIX)
