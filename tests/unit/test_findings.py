"""What a plan tells of live tables besides its steps: none of it stops a run, and what is not known is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migration.plan.findings import Finding, findings, not_known, rollback_days
from migration.plan.plan import plan
from schema.model import Index
from schema.parts import Attribute, BillingMode
from sitelogix.tables import SITELOGIX
from stack.file.settings import LateWriterSettings, Settings
from stack.ledger.records import BackfillProof
from stack.world.live import LiveIndex, LocalIndex
from stack.world.surroundings import TABLE, Attached, Limits, Scaling, Surroundings, Unknown
from stack.world.world import World
from tests.worlds import after, approving, before, settings, with_table, without_proof

NOTHING = Attached(consumers=(), kinesis=(), scaling=(), policy=None, insights=(), legacy_regions=())
PLENTY = Limits(account_write=80_000, account_read=80_000, table_write=40_000, table_read=40_000)


def attached(world: World, **facts: Any) -> World:
    """With these facts about `reports`; all others have nothing attached."""
    tables = dict.fromkeys(world.live, NOTHING) | {"reports": replace(NOTHING, **facts)}
    return replace(world, surroundings=Surroundings(tables, PLENTY))


def found(world: World, told: Settings | None = None) -> list[str]:
    return [f"{'+'.join(one.tables)}: {one.text}" for one in findings(SITELOGIX, told or settings(), world)]


def test_a_stack_with_nothing_attached_is_told_nothing() -> None:
    assert found(attached(after())) == []
    assert plan(SITELOGIX, approving(), attached(after())).findings == ()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"consumers": ("audit", "search")}, "its changes are read by audit, search"),
        ({"kinesis": ("arn:aws:kinesis:x",)}, "its changes are sent to arn:aws:kinesis:x"),
    ],
)
def test_a_backfill_makes_one_record_an_item_for_each_reader(facts: dict[str, Any], said: str) -> None:
    to_fill = without_proof(after(), BackfillProof, "reports")
    assert found(attached(to_fill, **facts)) == [
        f"reports: {said}: a backfill makes one MODIFY record for each item that it fills, of about 1,000"
    ]
    assert found(attached(after(), **facts)) == [f"reports: {said}"]


def test_what_becomes_of_a_stream_of_another_view_type_is_said() -> None:
    world = attached(with_table(after(), "reports", stream="KEYS_ONLY"), consumers=("audit",))
    kept, _ = found(world, settings(keep_stream=["reports"]))
    assert kept == "reports: its stream stays KEYS_ONLY, as keepStream says; what needs both images cannot use it"
    replaced, _ = found(world, settings(replace_streams=["reports"]))
    assert replaced == (
        "reports: its stream KEYS_ONLY is replaced, as replaceStreams says, by one with another ARN; move audit to it"
    )


def test_a_recovery_window_shorter_than_a_rollback_needs_is_said() -> None:
    told = settings(late_writers=LateWriterSettings(minutes=1440), quiet_minutes=4320.0, brown_out_minutes=60.0)
    assert rollback_days(told) == 6
    assert found(attached(with_table(after(), "reports", recovery_days=6)), told) == []
    assert found(attached(with_table(after(), "reports", recovery_days=5)), told) == [
        "reports: its point-in-time recovery reaches back 5 days, and a rollback to a time before the migration may "
        "need 6; the backup that a run makes is kept"
    ]


def test_scaling_is_told_with_what_it_means_for_indexes() -> None:
    scaling = (Scaling(TABLE, "write", 5, 400, 70.0), Scaling("GSI1-ProjectIndex", "read", 5, 50))
    assert found(attached(after(), scaling=scaling)) == [
        "reports: the table's write capacity scales by itself from 5 to 400 units at 70 % use",
        "reports: index GSI1-ProjectIndex's read capacity scales by itself from 5 to 50 units",
        "reports: new indexes get a fixed capacity, and do not scale with the table",
    ]


def test_the_scaling_of_an_index_that_goes_is_left_behind() -> None:
    tables = {"personnel": replace(NOTHING, scaling=(Scaling("GSI2-ProjectIndex", "write", 5, 50),))}
    world = replace(before(), surroundings=Surroundings(tables, PLENTY))
    assert found(world)[1] == (
        "personnel: the scaling of GSI2-ProjectIndex is left behind once the index is removed; deregister it by hand"
    )


def test_local_indexes_policies_and_maxima_are_told() -> None:
    local = (LocalIndex("byTime", (Attribute("PK"), Attribute("time"))),)
    capped = LiveIndex(Index("GSI1-ProjectIndex", Attribute("project_id")), most_writes=50)
    world = with_table(
        after(), "reports", local_indexes=local, most_writes=100, most_reads=200, billing_mode=BillingMode.ON_DEMAND
    )
    world = with_table(world, "reports", indexes={**world.live["reports"].indexes, "GSI1-ProjectIndex": capped})
    assert found(attached(world, policy="{}")) == [
        "reports: local index byTime stays as it is; items of one partition key may hold 10 GB at most",
        "reports: the table takes at most 100 write units a second on demand, and so does a backfill",
        "reports: index GSI1-ProjectIndex takes at most 50 write units a second on demand, and so does a backfill",
        "reports: the table gives at most 200 read units a second on demand, and so does a scan",
        "reports: its resource policy stays as it is; a brown-out adds one statement to it and takes it out again",
    ]


def test_contributor_insights_cost_something_while_a_backfill_writes() -> None:
    to_fill = without_proof(after(), BackfillProof, "reports")
    assert found(attached(to_fill, insights=(TABLE, "GSI1-ProjectIndex"))) == [
        "reports: contributor insights are on (the table, GSI1-ProjectIndex): AWS charges each write of the backfill "
        "as an event"
    ]
    assert found(attached(after(), insights=(TABLE,))) == []


def test_capacity_that_aws_will_refuse_is_said_before_a_run() -> None:
    small = Limits(account_write=60, account_read=60, table_write=10, table_read=10)
    world = replace(before(), surroundings=Surroundings({}, small))
    assert [one.text for one in findings(SITELOGIX, settings(), world)] == [
        "work-logs and its indexes want 15 write units; AWS allows a new table 10",
        "ai-analysis-cache and its indexes want 20 write units; AWS allows a new table 10",
        "the tables and their indexes, while they are built, want 134 write units; "
        "AWS allows the account 60 in this region",
    ]


def test_what_is_not_known_is_told_once_for_all_tables_and_each_reason() -> None:
    denied, deaf = Unknown("AWS denies ListEventSourceMappings"), Unknown("it does not answer")
    tables = dict.fromkeys(after().live, replace(NOTHING, consumers=denied)) | {
        "vendors": replace(NOTHING, consumers=deaf)
    }
    world = with_table(after(), "reports", unknown=("tags",))
    world = replace(world, surroundings=Surroundings(tables, Unknown("AWS throttles DescribeLimits")))
    assert list(not_known(world)) == [
        Finding(("reports",), "tags: this endpoint does not tell", known=False),
        Finding(
            ("reports", "personnel", "constraints", "work-logs", "ai-analysis-cache"),
            "who reads its stream: AWS denies ListEventSourceMappings",
            known=False,
        ),
        Finding(("vendors",), "who reads its stream: it does not answer", known=False),
        Finding((), "the account's limits: AWS throttles DescribeLimits", known=False),
    ]


def test_a_narrowed_plan_tells_of_its_own_table() -> None:
    world = attached(after(), consumers=("audit",))
    whole = plan(SITELOGIX, approving(), world)
    assert whole.narrowed("reports", None).findings == whole.findings != ()
    assert whole.narrowed("vendors", None).findings == ()
