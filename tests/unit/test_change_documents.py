"""The parts of the change document: what is live as a digest, when a gate can open, what steps take, the verdict."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfills.rates import Rates
from migration.change.document import Change, Expected, Failure, IndexGate, schema
from migration.change.earliest import gates_of, new_indexes_of
from migration.change.expected import planned
from migration.change.fingerprint import LEFT_OUT, fingerprint
from migration.change.judging import commands, judged
from migration.plan.plan import plan
from migration.steps.step import Step
from schema.parts import BillingMode, Throughput
from sitelogix.tables import PERSONNEL, SITELOGIX
from stack.file.settings import LateWriterSettings, Settings
from stack.gates.gate import LAST_HOUR_CLEAN, NOBODY_READS, READ_READY
from stack.ledger.codec import written
from stack.ledger.records import LateWritersProof, ReadReadyProof
from stack.world.live import LiveTable
from stack.world.world import World
from tests.worlds import (
    APPROVAL,
    AT,
    OWN_READ,
    RETIRED,
    after,
    approving,
    before,
    readings,
    settings,
    with_index,
    with_proofs,
    with_table,
    without_proof,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
A_DAY = LateWriterSettings.model_validate({"minutes": 1440.0})


def ready() -> World:
    """All is done, and the old index is still there."""
    return with_index(after(), "personnel", PERSONNEL.index("GSI2-ProjectIndex"))


def the_gate(world: World, told: Settings) -> IndexGate:
    (found,) = gates_of(SITELOGIX, told, world)
    return found


def step(world: World, action: str, table: str = "reports", told: Settings | None = None) -> Step:
    found = plan(SITELOGIX, told or approving(), world).steps
    return next(one for one in found if action == one.ACTION and (not one.tables or table in one.tables))


def test_the_schema_of_the_document_is_the_one_in_docs() -> None:
    kept = json.loads((DOCS / "change.schema.json").read_text(encoding="utf-8"))
    assert kept == schema(), "Write it anew: docs/change.md says how."


def test_what_is_live_has_one_digest_in_whatever_order_it_is_read() -> None:
    live = after().live
    assert fingerprint(live) == fingerprint({name: live[name] for name in reversed(list(live))})
    assert fingerprint(live).startswith("sha256:")
    assert len(fingerprint(live)) == len("sha256:") + 64


CHANGES: dict[str, Any] = {
    "name": None,
    "id": "another",
    "arn": "another",
    "status": "DELETING",
    "keys": (),
    "billing_mode": BillingMode.ON_DEMAND,
    "indexes": {},
    "local_indexes": None,
    "replicas": ("eu-west-1",),
    "stream": "KEYS_ONLY",
    "stream_arn": "another",
    "point_in_time_recovery": False,
    "recovery_days": 7,
    "deletion_protection": False,
    "ttl": "another",
    "owner": "another",
    "refusals": None,
}


def test_each_fact_of_a_table_is_in_the_digest_or_moves_by_itself() -> None:
    assert {each.name for each in fields(LiveTable)} == set(CHANGES) | LEFT_OUT


@pytest.mark.parametrize("name", [name for name, value in CHANGES.items() if value is not None])
def test_a_change_of_what_matters_changes_the_digest(name: str) -> None:
    world = after()
    assert fingerprint(with_table(world, "reports", **{name: CHANGES[name]}).live) != fingerprint(world.live)


@given(
    item_count=st.integers(0, 10**9),
    size=st.integers(0, 10**15),
    status=st.sampled_from(["ACTIVE", "UPDATING"]),
    throughput=st.builds(Throughput, st.integers(1, 10**5), st.integers(1, 10**5)),
)
def test_what_moves_by_itself_does_not_change_the_digest(**moved: Any) -> None:
    assert fingerprint(with_table(after(), "reports", **moved).live) == fingerprint(after().live)


def test_an_open_gate_waits_for_nothing() -> None:
    found = the_gate(ready(), approving())
    assert (found.open, found.approved, found.earliest_at) == (True, True, None)
    assert {(each.needs, each.earliest_at) for each in found.conditions} == {(None, None)}


def test_a_read_by_others_has_to_be_older_than_the_quiet_time() -> None:
    seen = {OWN_READ: 0.5, AT - timedelta(minutes=5): 3.0, AT - timedelta(minutes=2): 1.0}
    told = settings(approvals={RETIRED: APPROVAL}, quiet_minutes=60)
    found = the_gate(replace(ready(), readings=readings(seen=seen)), told)
    (shut,) = (each for each in found.conditions if not each.holds)
    assert (shut.name, shut.needs, shut.earliest_at) == (NOBODY_READS, "time", "2026-01-01T01:08:00Z")
    assert found.earliest_at == "2026-01-01T01:08:00Z"


def test_the_window_of_late_writers_says_when_an_index_is_read_ready_at_the_earliest() -> None:
    told = settings(approvals={RETIRED: APPROVAL}, late_writers=A_DAY)
    clean = AT - timedelta(hours=3)
    record = LateWritersProof(
        subject="personnel", since=clean, clean_since=clean, looked=AT, ended=AT, unready="the window is not over"
    )
    world = with_proofs(without_proof(ready(), ReadReadyProof, PERSONNEL.refs[1]), record)
    (shut,) = (each for each in the_gate(world, told).conditions if each.name == READ_READY)
    assert (shut.needs, shut.earliest_at) == ("time", written(clean + timedelta(days=1)))
    (new,) = (one for one in new_indexes_of(SITELOGIX, told, world) if one.index == "personnel/GSI2-StatusIndex")
    assert (new.live, new.read_ready.earliest_at) == (True, written(clean + timedelta(days=1)))


def test_a_window_that_has_not_begun_begins_with_the_next_run() -> None:
    told = settings(late_writers=A_DAY)
    found = {one.index: one for one in new_indexes_of(SITELOGIX, told, before())}
    assert found["reports/GSI3-StatusIndex"].live is False
    assert found["reports/GSI3-StatusIndex"].read_ready.needs == "run"
    assert found["reports/GSI3-StatusIndex"].read_ready.earliest_at == written(AT + timedelta(days=1))


def test_what_a_person_has_to_do_has_no_time() -> None:
    found = the_gate(ready(), settings())
    assert [(each.name, each.needs, each.earliest_at) for each in found.conditions if not each.holds] == [
        ("approved", "person", None)
    ]
    assert found.approved is False


def test_a_disturbance_of_the_last_hour_needs_time_and_nobody_knows_how_much() -> None:
    world = replace(ready(), readings=readings(disturbances={"personnel": {"throttled reads": 3.0}}))
    (shut,) = (each for each in the_gate(world, approving()).conditions if not each.holds)
    assert (shut.name, shut.needs, shut.earliest_at) == (LAST_HOUR_CLEAN, "time", None)


def test_a_backfill_takes_at_most_what_filling_each_item_takes() -> None:
    world = with_table(before(), "reports", item_count=1_000_000, size=1_500_000_000)
    found = planned(step(world, "backfill"), world.live, {"reports": Rates(write=500, read=1000)}).expected
    assert (found.items, found.write_units, found.seconds) == (1_000_000, 2_000_000.0, 4_000.0)
    assert found.basis == ("at most: as if each item had to be filled, at 500 write and 1,000 read units a second")


def test_an_index_is_built_within_its_own_write_capacity() -> None:
    world = with_table(before(), "reports", item_count=3_000, size=3_000 * 100)
    found = planned(step(world, "create-index"), world.live, {}).expected
    assert (found.items, found.write_units, found.seconds) == (3_000, 3_000.0, 200.0)
    on_demand = with_table(world, "reports", billing_mode=BillingMode.ON_DEMAND, throughput=None)
    assert planned(step(on_demand, "create-index"), on_demand.live, {}).expected.seconds is None


def test_a_scan_takes_what_reading_the_table_takes() -> None:
    world = without_proof(after(), ReadReadyProof, SITELOGIX.table("reports").refs[2])
    world = with_table(world, "reports", size=81_920)
    found = planned(step(world, "late-writers"), world.live, {"reports": Rates(write=1, read=5)}).expected
    assert (found.items, found.write_units, found.seconds) == (1_000, None, 2.0)


def test_what_nobody_can_say_is_not_known() -> None:
    assert planned(step(before(), "adopt"), before().live, {}).expected == Expected(basis="not known")
    (backfill,) = [planned(step(before(), "backfill"), before().live, {})]
    assert backfill.expected.seconds is None
    assert backfill.expected.dollars is None


def test_a_brown_out_takes_what_the_stack_says() -> None:
    told = settings(approvals={RETIRED: APPROVAL}, brown_out_minutes=60)
    found = planned(step(ready(), "brown-out", "personnel", told), ready().live, {}).expected
    assert (found.seconds, found.basis) == (3600.0, "brownOutMinutes of the stack")


def judging(world: World, told: Settings, **changes: Any) -> Change:
    made = plan(SITELOGIX, told, world)
    empty = Change(stack="staging", at="2026-01-01T00:10:00Z", commands=commands("staging", made))
    return judged(empty.model_copy(update=changes), made.blocked)


def test_a_change_that_migrate_can_finish_is_safe() -> None:
    change = judging(before(), approving())
    assert (change.verdict, change.reasons) == ("safe", ("The stack is as the schema says.",))
    assert change.commands.on == ("./invoke migrate --stack staging",)
    assert change.commands.back[:2] == (
        "./invoke rollback --table personnel --index GSI2-ProjectIndex --stack staging",
        "./invoke rollback --new-tables --stack staging",
    )


def test_a_change_that_has_to_be_approved_waits() -> None:
    change = judging(ready(), settings())
    assert change.verdict == "waiting"
    assert change.reasons == ("personnel/GSI2-ProjectIndex cannot be removed yet. Missing: approved.",)
    assert change.commands.on[1].startswith("./invoke approve --table personnel --index GSI2-ProjectIndex --by NAME")


def test_a_paused_stack_waits() -> None:
    paused = {"by": "somebody", "at": "2026-01-01T00:00:00Z"}
    change = judged(Change(stack="staging", at="2026-01-01T00:10:00Z"), (), paused)
    assert (change.verdict, change.reasons) == (
        "waiting",
        ("The stack is paused by somebody since 2026-01-01T00:00:00Z.",),
    )


def test_an_error_is_a_refusal() -> None:
    error = Failure(what="Table vendors is a global table.", why="…", next="…", code=4)
    change = judging(before(), approving(), error=error)
    assert (change.verdict, change.reasons) == ("refused", ("Table vendors is a global table.",))
