"""Live tables that a plan does not touch: each is refused by name, with what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.plan.plan import plan
from migration.run.status import status
from schema.errors import Refused
from schema.model import Index, Schema
from schema.parts import Attribute, Throughput
from sitelogix.tables import SITELOGIX
from stack.file.settings import Settings
from stack.world.inventory import NOT_KNOWN, Refusal
from stack.world.live import LiveIndex, LocalIndex
from stack.world.refusing import refuse_unsupported
from stack.world.surroundings import Attached, Surroundings, Unknown
from stack.world.world import World
from tests.worlds import after, approving, before, settings, with_index, with_table, without_index

STEADY = Throughput(5, 5)


def refusal(world: World, told: Settings | None = None, schema: Schema = SITELOGIX) -> Refused:
    with pytest.raises(Refused) as refused:
        plan(schema, told or approving(), world)
    return refused.value


def surrounded(world: World, **facts: object) -> World:
    return replace(world, surroundings=Surroundings({"reports": replace(Attached(), **facts)}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "world",
    [
        with_table(before(), "reports", replicas=("eu-west-1", "us-west-2")),
        surrounded(before(), legacy_regions=("eu-west-1", "us-west-2")),
    ],
    ids=["version 2019", "version 2017"],
)
def test_a_global_table_is_refused_with_what_a_migration_of_one_would_have_to_respect(world: World) -> None:
    found = refusal(world)
    assert found.what == "Table reports is a global table, with replicas in eu-west-1, us-west-2."
    assert found.why == (
        "keyshift does not migrate one yet. It would have to respect that a conditional write is judged in one region "
        "only, and that between regions the last writer of an item wins. Readers and alarms exist in each region."
    )
    assert found.next.startswith("Leave the table out of the schema")
    assert found.exit_code == 4


def test_whether_it_is_a_global_table_of_the_old_version_may_be_unknown() -> None:
    assert plan(SITELOGIX, approving(), surrounded(after(), legacy_regions=Unknown("AWS denies it"))).steps == ()


def test_what_nobody_has_decided_about_is_refused_by_its_name() -> None:
    odd = (Refusal("VectorIndexes", "vectors"), Refusal("ColdStorage", NOT_KNOWN))
    found = refusal(with_table(after(), "reports", refusals=odd, keys=()))
    assert found.what == "Table reports has what keyshift does not handle: VectorIndexes, ColdStorage."
    assert found.why == f"VectorIndexes: vectors. ColdStorage: {NOT_KNOWN}."


def test_a_plain_up_and_rollbacks_refuse_the_same_tables() -> None:
    world = with_table(after(), "reports", replicas=("eu-west-1",))
    with pytest.raises(Refused, match="Table reports is a global table"):
        refuse_unsupported(world.live)
    refuse_unsupported(after().live)


def test_status_says_why_a_table_is_refused() -> None:
    shown = status(SITELOGIX, settings(), with_table(after(), "reports", replicas=("eu-west-1",)))
    assert shown[0].detail.endswith("Table reports is a global table, with replicas in eu-west-1.")


def test_a_table_with_local_indexes_is_planned_as_any_other() -> None:
    local = (LocalIndex("byTime", (Attribute("PK"), Attribute("time"))),)
    assert plan(SITELOGIX, approving(), with_table(after(), "reports", local_indexes=local)).steps == ()


@pytest.mark.parametrize(
    ("live", "said"),
    [
        (
            Index(
                "GSI1-ProjectIndex",
                Attribute("project_id"),
                Attribute("report_date"),
                more_partition_keys=(Attribute("town"),),
            ),
            "Live: partition key project_id (S), town (S); sort key report_date (S); ALL; "
            "schema: project_id (S), report_date (S), ALL.",
        ),
        (
            Index("GSI1-ProjectIndex", Attribute("project_id"), more_partition_keys=(Attribute("report_date"),)),
            "Live: partition key project_id (S), report_date (S); ALL; schema: project_id (S), report_date (S), ALL.",
        ),
    ],
    ids=["one more partition attribute", "two partition attributes that read like the schema's keys"],
)
def test_a_live_index_of_several_attributes_is_another_one(live: Index, said: str) -> None:
    found = refusal(with_index(before(), "reports", live))
    assert found.what == "Index reports/GSI1-ProjectIndex is live with another definition."
    assert found.why == f"{said} An index cannot be changed."


def crowded(indexes: int) -> World:
    """`reports` with so many live indexes, those that the schema knows but the new one among them."""
    world = without_index(after(), "reports", "GSI3-StatusIndex")
    known = world.live["reports"].indexes
    others = {
        f"Other{number:02}": LiveIndex(Index(f"Other{number:02}", Attribute("x"), throughput=STEADY))
        for number in range(indexes - len(known))
    }
    return with_table(world, "reports", indexes={**known, **others})


def test_the_limit_counts_live_indexes_that_the_schema_does_not_know() -> None:
    found = refusal(crowded(20))
    assert found.what == "Table reports would have 21 indexes; DynamoDB allows 20."
    assert found.why.startswith("It has 20, and the schema adds 1. Live and not in the schema: Other00, Other01, ")
    assert found.next == "Remove an index that nobody reads, or take one out of the schema."


def test_the_twentieth_index_is_built() -> None:
    steps = [step.name for step in plan(SITELOGIX, approving(), crowded(19)).steps]
    assert "create-index reports/GSI3-StatusIndex" in steps


def test_a_table_with_twenty_foreign_indexes_and_nothing_to_build_is_left_in_peace() -> None:
    full = after().live["reports"].indexes
    others = {f"Other{number}": LiveIndex(Index(f"Other{number}", Attribute("x"))) for number in range(20)}
    assert plan(SITELOGIX, approving(), with_table(after(), "reports", indexes={**full, **others})).steps == ()


def test_a_stream_of_another_view_type_names_its_readers() -> None:
    world = with_table(before(), "reports", stream="KEYS_ONLY")
    assert refusal(surrounded(world, consumers=("audit", "index:live"))).why == (
        "audit, index:live reads it; NEW_AND_OLD_IMAGES needs a new stream, with a new ARN."
    )
    assert refusal(surrounded(world, consumers=())).why.startswith("Lambda reads it for nobody, but others may read it")
    assert refusal(world).why.startswith("Somebody may read it")


def test_a_stream_that_the_stack_keeps_is_neither_refused_nor_changed() -> None:
    world = with_table(after(), "reports", stream="KEYS_ONLY")
    told = settings(approvals=approving().approvals, keep_stream=["reports"])
    assert plan(SITELOGIX, told, world).steps == ()
    # Without a stream there is none to keep.
    adopt, _ = plan(SITELOGIX, told, with_table(after(), "reports", stream=None)).steps
    assert adopt.why == "reports: stream"


def test_adoption_leaves_a_kept_stream_as_it_is() -> None:
    told = settings(keep_stream=["reports"])
    adopt = next(
        step
        for step in plan(SITELOGIX, told, with_table(before(), "reports", stream="KEYS_ONLY")).steps
        if step.ACTION == "adopt"
    )
    assert "reports: import, point-in-time recovery" in adopt.why
    effect = adopt.effect(with_table(before(), "reports", stream="KEYS_ONLY"))
    assert {name: live.stream for name, live in effect.live.items()} == {
        "reports": "KEYS_ONLY",
        "personnel": "NEW_AND_OLD_IMAGES",
        "vendors": "NEW_AND_OLD_IMAGES",
        "constraints": "NEW_AND_OLD_IMAGES",
    }


def owned(world: World, table: str, owner: str) -> World:
    return with_table(world, table, owner=owner)


@pytest.mark.parametrize(
    ("owner", "named"),
    [("Pulumi", "another Pulumi program"), ("Pulumi project shop, stack prod", "Pulumi project shop, stack prod")],
)
def test_a_table_of_another_pulumi_program_is_refused(owner: str, named: str) -> None:
    found = refusal(owned(before(), "reports", owner))
    assert found.what == f"Table reports is managed by {named}."
    assert found.next.endswith("How a table leaves another Pulumi program: docs/moving.md.")
    told = settings(acknowledged_owners=["reports"])
    assert plan(SITELOGIX, told, owned(before(), "reports", owner)).steps != ()


def test_an_adopted_table_that_another_program_names_as_its_own_is_still_refused() -> None:
    assert "project shop" in refusal(owned(after(), "reports", "Pulumi project shop, stack prod")).what


def test_a_table_that_was_moved_into_this_stacks_state_is_refused() -> None:
    urn = "urn:pulumi:prod::sitelogix::aws:dynamodb/table:Table::reports"
    found = refusal(replace(after(), managed=replace(after().managed, strangers=(urn,))))
    assert found.what == f"Pulumi's state of this stack has what its program does not declare: {urn}."
    assert found.next.endswith("how a table is handed over: docs/moving.md.")


def test_this_stacks_own_tables_may_be_tagged_as_pulumis() -> None:
    """A team's tags say so of every table that its programs make."""
    for owner in ("Pulumi", "Pulumi project things"):
        assert plan(SITELOGIX, approving(), owned(after(), "work-logs", owner)).steps == ()
    assert plan(SITELOGIX, approving(), owned(after(), "reports", "Pulumi")).steps == ()


def test_a_new_table_that_a_crash_left_out_of_the_state_is_known_by_the_stacks_own_tags() -> None:
    tags = {"pulumi:project": "things"}
    lost = replace(before(), live={**before().live, "work-logs": after().live["work-logs"]})
    own = owned(lost, "work-logs", "Pulumi project things")
    assert plan(SITELOGIX, settings(tags=tags), own).steps != ()
    assert refusal(own, settings()).what == "Table work-logs is managed by Pulumi project things."
