"""The plan's order and its refusals, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.plan.plan import plan
from migration.plan.result import Plan
from migration.steps.indexes.settle_capacity import SettleCapacity
from migration.steps.stack.wait import Wait
from migration.steps.tables.backup import Backup
from schema.backfill import Backfill, constant
from schema.errors import Refused
from schema.model import Index, Schema
from schema.parts import Attribute, Projection, ProjectionType
from schema.references import IndexRef
from sitelogix import backfills
from sitelogix.tables import PERSONNEL, REPORTS, SITELOGIX
from stack.file.settings import LateWriterSettings
from stack.ledger.records import (
    STACK,
    BackfillProof,
    BackupProof,
    BrownOutProof,
    IndexProof,
    LateWritersProof,
    ReadReadyProof,
    ShadowProof,
    TableProof,
    VerifiedProof,
)
from stack.world.live import LiveIndex
from stack.world.managed import Managed
from stack.world.world import World
from tests.worlds import (
    RETIRED,
    TIME,
    after,
    approving,
    before,
    settings,
    with_index,
    with_proofs,
    with_table,
    without_index,
    without_proof,
)

STATUS_INDEX = REPORTS.index("GSI3-StatusIndex")
STATUS = IndexRef("reports", "GSI3-StatusIndex")


def names(found: Plan) -> list[str]:
    return [step.name for step in found.steps]


def planned(world: World) -> list[str]:
    return names(plan(SITELOGIX, approving(), world))


def test_the_whole_migration_is_planned_in_this_order() -> None:
    assert planned(before()) == [
        "backup reports",
        "backup personnel",
        "backup vendors",
        "backup constraints",
        "adopt reports, personnel, vendors, constraints",
        "backfill reports",
        "create-index reports/GSI3-StatusIndex",
        "verify-index reports/GSI3-StatusIndex",
        "backfill personnel",
        "create-index personnel/GSI2-StatusIndex",
        "verify-index personnel/GSI2-StatusIndex",
        "backfill vendors",
        "create-index vendors/GSI2-TypeIndex",
        "verify-index vendors/GSI2-TypeIndex",
        "backfill constraints",
        "create-index constraints/GSI3-ProjectDateIndex",
        "verify-index constraints/GSI3-ProjectDateIndex",
        "create-tables work-logs, ai-analysis-cache",
        "verify-index work-logs/GSI1-ProjectDateIndex",
        "verify-index work-logs/GSI2-TeamIndex",
        "verify-index ai-analysis-cache/GSI1-TypeIndex",
        "verify-index ai-analysis-cache/GSI2-ModelIndex",
        "settle-capacity reports, personnel, vendors, constraints",
        "late-writers reports",
        "late-writers personnel",
        "late-writers vendors",
        "late-writers constraints",
        "shadow-read reports/GSI3-StatusIndex",
        "shadow-read personnel/GSI2-StatusIndex",
        "shadow-read vendors/GSI2-TypeIndex",
        "shadow-read constraints/GSI3-ProjectDateIndex",
        "read-index personnel/GSI2-ProjectIndex",
        "remove-index personnel/GSI2-ProjectIndex",
        "verify",
    ]


def test_nothing_is_planned_when_all_is_done() -> None:
    assert plan(SITELOGIX, approving(), after()) == Plan()


def test_the_removal_is_held_without_approval_and_the_rest_goes_on() -> None:
    found = plan(SITELOGIX, settings(), before())
    assert "remove-index personnel/GSI2-ProjectIndex" not in names(found)
    assert [blocked.ref for blocked in found.blocked] == [RETIRED]
    assert [claim.name for claim in found.blocked[0].shut] == ["approved", "read metric alive"]
    assert names(found)[-1] == "verify"


@pytest.mark.parametrize("half", ["application_updated", "tests_passed"])
def test_half_an_approval_holds_the_removal(half: str) -> None:
    approval = approving().approvals[RETIRED].model_copy(update={half: False})
    found = plan(SITELOGIX, settings(approvals={RETIRED: approval}), before())
    assert [blocked.ref for blocked in found.blocked] == [RETIRED]


def test_the_old_index_stays_until_its_replacement_is_verified() -> None:
    retired = PERSONNEL.index("GSI2-ProjectIndex")
    world = with_index(after(), "personnel", retired)
    world = replace(world, managed=replace(world.managed, indexes=world.managed.indexes | {RETIRED}))
    unverified = with_proofs(
        world, IndexProof(subject=IndexRef("personnel", "GSI2-StatusIndex"), started=TIME, settled=TIME)
    )
    steps = planned(unverified)
    assert steps.index("verify-index personnel/GSI2-StatusIndex") < steps.index(f"remove-index {RETIRED}")


def test_an_index_waits_for_its_backfill() -> None:
    world = without_index(without_proof(after(), BackfillProof, "reports"), "reports", STATUS_INDEX.name)
    steps = planned(world)
    assert steps.index("backfill reports") < steps.index("create-index reports/GSI3-StatusIndex")


def test_a_proven_backfill_is_not_repeated() -> None:
    world = without_index(after(), "reports", STATUS_INDEX.name)
    assert "backfill reports" not in planned(world)


def test_no_backup_is_repeated_for_the_same_schema() -> None:
    world = without_index(after(), "reports", STATUS_INDEX.name)
    assert not [name for name in planned(world) if name.startswith("backup")]


def test_a_backup_of_an_earlier_schema_does_not_count() -> None:
    world = with_proofs(
        without_index(after(), "reports", STATUS_INDEX.name), BackupProof(subject="reports", schema="older")
    )
    assert planned(world)[0] == "backup reports"


def test_only_tables_that_change_are_backed_up() -> None:
    world = without_index(after(), "reports", STATUS_INDEX.name)
    world = without_proof(without_proof(world, BackupProof, "reports"), BackupProof, "vendors")
    assert [name for name in planned(world) if name.startswith("backup")] == ["backup reports"]


@pytest.mark.parametrize("status", ["CREATING", "UPDATING", "DELETING"])
def test_a_change_in_progress_is_waited_for_first(status: str) -> None:
    world = with_index(after(), "reports", STATUS_INDEX, status=status)
    found = plan(SITELOGIX, approving(), world)
    waits = [step for step in found.steps if isinstance(step, Wait)]
    assert [step.why for step in waits] == [f"GSI3-StatusIndex {status}"]
    rest = [step for step in found.steps if not isinstance(step, Wait | Backup)]
    assert found.steps.index(waits[0]) < found.steps.index(rest[0])


def test_an_index_being_deleted_is_created_again() -> None:
    world = with_index(after(), "reports", STATUS_INDEX, status="DELETING")
    assert "create-index reports/GSI3-StatusIndex" in planned(world)


def test_an_index_being_created_is_not_created_twice() -> None:
    world = with_index(after(), "reports", STATUS_INDEX, status="CREATING")
    assert "create-index reports/GSI3-StatusIndex" not in planned(world)


def test_an_index_dropped_by_hand_is_forgotten_then_created_and_verified() -> None:
    world = without_index(after(), "reports", "GSI1-ProjectIndex")
    assert planned(world) == [
        "adopt reports",
        "create-index reports/GSI1-ProjectIndex",
        "verify-index reports/GSI1-ProjectIndex",
        "settle-capacity reports",
        "verify",
    ]


def test_a_live_index_that_pulumi_does_not_know_is_adopted_not_created() -> None:
    world = after()
    world = replace(world, managed=replace(world.managed, indexes=world.managed.indexes - {STATUS}))
    assert planned(world) == ["adopt reports", "verify"]


def test_a_retired_index_is_adopted_before_it_is_removed() -> None:
    world = with_index(after(), "personnel", PERSONNEL.index("GSI2-ProjectIndex"))
    assert planned(world) == ["adopt personnel", f"remove-index {RETIRED}", "verify"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stream": None}, "reports: stream"),
        ({"point_in_time_recovery": False}, "reports: point-in-time recovery"),
        ({"deletion_protection": False}, "reports: deletion protection"),
    ],
)
def test_protection_that_was_switched_off_is_switched_on_again(changes: dict[str, object], why: str) -> None:
    found = plan(SITELOGIX, approving(), with_table(after(), "reports", **changes))
    assert (found.steps[0].name, found.steps[0].why) == ("adopt reports", why)


def test_expiry_that_was_switched_off_is_switched_on_again() -> None:
    found = plan(SITELOGIX, approving(), with_table(after(), "ai-analysis-cache", ttl=None))
    assert found.steps[0].why == "ai-analysis-cache: TTL"


def test_what_a_killed_run_left_pending_is_cleared() -> None:
    world = replace(after(), managed=replace(after().managed, pending=1))
    assert plan(SITELOGIX, approving(), world).steps[0].why == "clear what a killed run left pending"


def test_an_index_on_an_on_demand_table_has_no_capacity_to_settle() -> None:
    world = without_index(after(), "reports", STATUS_INDEX.name)
    world = with_table(world, "reports", billing_mode="PAY_PER_REQUEST", throughput=None)
    assert not [name for name in planned(world) if name.startswith("settle-capacity")]


def test_an_index_of_another_is_left_alone_and_reported() -> None:
    foreign = Index("GSI9-Foreign", Attribute("somebody"))
    found = plan(SITELOGIX, approving(), with_index(after(), "reports", foreign))
    assert found == Plan(left_alone=("reports/GSI9-Foreign is live and not in the schema",))


def test_a_changed_schema_is_verified_even_where_nothing_else_is_to_do() -> None:
    assert planned(with_proofs(after(), VerifiedProof(subject=STACK, schema="older"))) == ["verify"]


def test_narrowing_to_a_table_leaves_the_others_out_but_adopts_all() -> None:
    found = plan(SITELOGIX, approving(), before()).narrowed("vendors", None)
    assert names(found) == [
        "backup reports",
        "backup personnel",
        "backup vendors",
        "backup constraints",
        "adopt reports, personnel, vendors, constraints",
        "backfill vendors",
        "create-index vendors/GSI2-TypeIndex",
        "verify-index vendors/GSI2-TypeIndex",
        "settle-capacity reports, personnel, vendors, constraints",
        "late-writers vendors",
        "shadow-read vendors/GSI2-TypeIndex",
    ]


@pytest.mark.parametrize("ref", [*SITELOGIX.every_ref, *(IndexRef(table.name, "") for table in SITELOGIX)], ids=str)
def test_a_run_of_one_table_or_index_ends_with_no_step_still_to_do(ref: IndexRef) -> None:
    world, done = before(), list[str]()
    while steps := plan(SITELOGIX, approving(), world, done).narrowed(ref.table, ref.index or None).steps:
        assert steps[0].name not in done
        done.append(steps[0].name)
        world = steps[0].predicted(world)
    assert "adopt reports, personnel, vendors, constraints" in done


def test_only_indexes_that_are_live_get_their_steady_capacity() -> None:
    found = plan(SITELOGIX, approving(), before()).narrowed("vendors", None)
    (settle,) = (step for step in found.steps if isinstance(step, SettleCapacity))
    world = without_index(after(), "reports", STATUS_INDEX.name)
    world = without_proof(world, IndexProof, STATUS)
    assert settle.effect(world).proofs.get(IndexProof, STATUS) is None


def test_a_missing_existing_table_is_refused_never_created() -> None:
    world = before()
    gone = {name: table for name, table in world.live.items() if name != "vendors"}
    with pytest.raises(Refused, match="Table vendors does not exist"):
        plan(SITELOGIX, approving(), replace(world, live=gone))


@pytest.mark.parametrize("known_by", ["ledger", "pulumi"])
def test_a_new_table_that_vanished_is_refused_never_created_again(known_by: str) -> None:
    world = after()
    world = replace(world, live={name: table for name, table in world.live.items() if name != "work-logs"})
    if known_by == "ledger":
        world = replace(world, managed=replace(world.managed, tables=world.managed.tables - {"work-logs"}))
    else:
        world = without_proof(world, TableProof, "work-logs")
    with pytest.raises(Refused, match="Table work-logs does not exist"):
        plan(SITELOGIX, approving(), world)


def test_other_table_keys_are_refused() -> None:
    with pytest.raises(Refused, match="Table reports has other keys"):
        plan(SITELOGIX, approving(), with_table(before(), "reports", keys=(Attribute("id"),)))


@pytest.mark.parametrize(
    "index",
    [
        Index("GSI1-ProjectIndex", Attribute("project_id")),
        Index(
            "GSI1-ProjectIndex",
            Attribute("project_id"),
            Attribute("report_date"),
            Projection(ProjectionType.KEYS_ONLY),
        ),
    ],
    ids=["keys", "projection"],
)
def test_an_index_with_another_definition_is_refused(index: Index) -> None:
    with pytest.raises(Refused, match="reports/GSI1-ProjectIndex is live with another definition"):
        plan(SITELOGIX, approving(), with_index(before(), "reports", index))


def test_a_stream_that_was_switched_off_comes_back_as_another_one_and_the_plan_says_so() -> None:
    world = with_proofs(
        with_table(after(), "reports", stream=None), TableProof(subject="reports", stream="arn:aws:old")
    )
    (adopt, _) = plan(SITELOGIX, approving(), world).steps
    assert (adopt.name, adopt.why) == ("adopt reports", "reports: stream, with another ARN than before")


def test_expiry_that_somebody_switched_on_is_reported_and_left_alone() -> None:
    found = plan(SITELOGIX, approving(), with_table(after(), "reports", ttl="expires"))
    assert found == Plan(left_alone=("reports deletes items by their expires: expiry is on, and the schema has none",))


def test_a_stream_of_another_view_type_has_readers_and_is_refused() -> None:
    with pytest.raises(Refused, match="already has a stream, with view type KEYS_ONLY"):
        plan(SITELOGIX, approving(), with_table(before(), "reports", stream="KEYS_ONLY"))


def test_a_stream_of_another_view_type_is_replaced_when_the_stack_says_so() -> None:
    world = with_table(before(), "reports", stream="KEYS_ONLY")
    told = settings(replace_streams=["reports"])
    assert "adopt reports, personnel, vendors, constraints" in names(plan(SITELOGIX, told, world))


def test_a_table_that_another_tool_manages_is_refused_until_the_stack_says_that_it_leaves_it_alone() -> None:
    world = with_table(after(), "reports", owner="terraform")
    with pytest.raises(Refused, match="Table reports is managed by terraform"):
        plan(SITELOGIX, approving(), world)
    told = settings(approvals=approving().approvals, acknowledged_owners=["reports"])
    assert plan(SITELOGIX, told, world) == Plan(left_alone=("reports is tagged as managed by terraform",))


def test_a_half_created_new_table_is_adopted_and_completed() -> None:
    world = without_index(after(), "work-logs", "GSI2-TeamIndex")
    world = replace(
        world,
        managed=Managed(
            created=True,
            tables=world.managed.tables - {"work-logs"},
            indexes=frozenset(ref for ref in world.managed.indexes if ref.table != "work-logs"),
        ),
    )
    assert planned(world) == [
        "adopt work-logs",
        "create-index work-logs/GSI2-TeamIndex",
        "verify-index work-logs/GSI2-TeamIndex",
        "verify",
    ]


def test_an_index_that_was_built_with_more_capacity_is_settled_once() -> None:
    built = replace(STATUS_INDEX, throughput=replace(STATUS_INDEX.throughput, write=15))  # type: ignore[type-var]
    world = with_table(after(), "reports", indexes={**after().live["reports"].indexes, built.name: LiveIndex(built)})
    fresh = with_proofs(world, IndexProof(subject=STATUS, started=TIME, verified=TIME))
    assert planned(fresh) == ["settle-capacity reports", "verify"]
    assert planned(world) == []


def test_an_attribute_that_the_schema_adds_later_is_backfilled_before_its_index() -> None:
    region = Index("GSI4-RegionIndex", Attribute("region"), throughput=STATUS_INDEX.throughput)
    backfill = Backfill({**backfills.REPORTS.rules, "region": constant("south")})
    reports = replace(REPORTS, backfill=backfill, indexes=(*REPORTS.indexes, region))
    schema = Schema((reports, *SITELOGIX.tables[1:]))
    steps = names(plan(schema, approving(), after()))
    assert steps.index("backfill reports") < steps.index("create-index reports/GSI4-RegionIndex")


def test_proofs_about_a_table_say_nothing_of_one_restored_under_its_name() -> None:
    filled = BackfillProof(subject="reports", table_id="before", attributes=REPORTS.backfilled)
    proofs = with_proofs(after(), filled).proofs
    assert proofs.about({"reports": "after"}).get(BackfillProof, "reports") is None
    assert proofs.about({"reports": "before"}).get(BackfillProof, "reports") == filled


def test_a_new_table_that_the_ledger_does_not_know_is_recorded() -> None:
    found = plan(SITELOGIX, approving(), without_proof(after(), TableProof, "work-logs"))
    assert (found.steps[0].name, found.steps[0].why) == ("adopt work-logs", "work-logs: record")


def test_the_capacity_of_an_index_that_was_built_by_hand_is_never_cut() -> None:
    built = replace(STATUS_INDEX, throughput=replace(STATUS_INDEX.throughput, write=400))  # type: ignore[type-var]
    world = with_table(after(), "reports", indexes={**after().live["reports"].indexes, built.name: LiveIndex(built)})
    assert planned(with_proofs(world, IndexProof(subject=STATUS, verified=TIME))) == []


def test_a_new_index_that_answers_other_than_its_table_is_not_to_be_read_from() -> None:
    differs = ShadowProof(subject=STATUS, at=TIME, equal=False, summary="1 of 20 answers differs")
    world = with_proofs(after(), differs)
    look = "shadow-read reports/GSI3-StatusIndex"
    assert planned(world) == [look]
    (blocked,) = plan(SITELOGIX, approving(), world, {look}).blocked
    assert (blocked.ref, blocked.is_new) == (STATUS, True)
    assert [claim.evidence for claim in blocked.shut] == ["1 of 20 answers differs"]


def test_a_built_index_waits_for_its_window_and_a_run_looks_once() -> None:
    unready = "no late writer since 2026-01-01T00:00:00Z; read-ready at 2026-01-02T00:00:00Z"
    record = LateWritersProof(subject="reports", since=TIME, clean_since=TIME, looked=TIME, ended=TIME, unready=unready)
    world = with_proofs(without_proof(after(), ReadReadyProof, STATUS), record)
    found = plan(SITELOGIX, approving(), world)
    assert (names(found), found.blocked) == (["late-writers reports"], ())
    assert found.steps[0].why == f"{unready}; a scan takes 1 read unit"
    after_it = plan(SITELOGIX, approving(), world, {"late-writers reports"})
    assert (names(after_it), [blocked.ref for blocked in after_it.blocked]) == ([], [STATUS])


def test_with_a_window_late_writers_are_looked_for_from_before_the_index() -> None:
    day = LateWriterSettings.model_validate({"minutes": 1440, "everyMinutes": 15})
    told = settings(approvals=approving().approvals, late_writers=day)
    found = plan(SITELOGIX, told, before())
    steps = names(found)
    assert steps.index("backfill reports") < steps.index("begin-late-writers reports")
    assert steps.index("begin-late-writers reports") < steps.index("create-index reports/GSI3-StatusIndex")
    assert f"remove-index {RETIRED}" not in steps, "not before the window is over"
    scan = next(step for step in found.steps if step.name == "late-writers reports")
    assert scan.why == "until no late writer is left; a scan takes 1 read unit, 97 scans 97 (on demand $0.00)"


def test_a_brown_out_comes_before_the_removal_once() -> None:
    told = settings(approvals=approving().approvals, brown_out_minutes=60.0)
    world = with_index(after(), "personnel", PERSONNEL.index("GSI2-ProjectIndex"))
    world = replace(world, managed=replace(world.managed, indexes=world.managed.indexes | {RETIRED}))
    assert names(plan(SITELOGIX, told, world)) == [f"brown-out {RETIRED}", f"remove-index {RETIRED}", "verify"]
    done = with_proofs(world, BrownOutProof(subject=RETIRED, began=TIME, ended=TIME, minutes=60))
    assert names(plan(SITELOGIX, told, done)) == [f"remove-index {RETIRED}", "verify"]


def test_alarms_that_are_missing_are_declared_anew() -> None:
    world = replace(after(), unmonitored=frozenset({"reports/throttling"}))
    assert planned(world) == ["monitor", "verify"]


def test_an_index_builds_with_the_write_units_that_the_stack_names() -> None:
    wanted = {STATUS: 5}
    told = settings(approvals=approving().approvals, building_write_units=wanted)
    world = without_index(after(), "reports", STATUS_INDEX.name)
    assert "settle-capacity reports" in planned(world)
    assert "settle-capacity reports" not in names(plan(SITELOGIX, told, world)), "it builds with its steady figure"


def test_every_conflict_is_reported_at_once() -> None:
    world = with_table(with_table(before(), "reports", keys=(Attribute("id"),)), "vendors", stream="KEYS_ONLY")
    with pytest.raises(Refused) as refused:
        plan(SITELOGIX, approving(), world)
    assert refused.value.what == (
        "2 conflicts: Table reports has other keys than the schema says. "
        "Table vendors already has a stream, with view type KEYS_ONLY."
    )
    assert "Correct the table in the schema." in refused.value.next
    assert "list vendors under replaceStreams" in refused.value.next
