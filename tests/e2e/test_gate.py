"""The gate for removing an old index, on the real engine and a CloudWatch that counts: what keeps it shut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto.cloudwatch.models import cloudwatch_backends

from migration.run.runner import plan_of
from migration.run.status import gates
from migration.steps.indexes.read_index import ReadIndex
from schema.errors import Refused, Waiting
from sitelogix.tables import PERSONNEL
from stack.aws import cloudwatch
from stack.declaration import present
from stack.ledger.codec import attributes
from stack.ledger.records import LateWritersProof, ReadReadyProof, ShadowProof
from tests.snapshots import Snapshot
from tests.stacks import APPROVED, NEW, OLD, SCHEMA, SmallStack

ACCOUNT, REGION = "123456789012", "us-east-1"
RETIRED = PERSONNEL.retired[0]
READ = ReadIndex(table=PERSONNEL, index=RETIRED.index, retired=RETIRED)


@pytest.fixture(scope="module")
def ready(unapproved_once: Snapshot, tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> SmallStack:
    """Migrated but for the old index, which was not approved to go; then approved, and read once by us."""
    stack = unapproved_once.copy(tmp_path_factory.mktemp("gate"), moto_endpoint, SCHEMA, APPROVED)
    context = stack.context()
    context.ledger.create()
    assert READ.apply(context, context.read_world())["seen"]
    return stack


@pytest.fixture
def gated(ready: SmallStack) -> Iterator[SmallStack]:
    """The same; what CloudWatch has and what is proven are afterwards as before."""
    backend, ledger = cloudwatch_backends[ACCOUNT][REGION], ready.context().ledger
    data, proofs = list(backend.metric_data), ledger.proofs()
    values = [(datum, dict(vars(datum))) for datum in data]
    yield ready
    backend.metric_data[:] = data
    for alarm in backend.alarms.values():
        # Without data an alarm stays as it is.
        alarm.state_value = "OK"
    for datum, before in values:
        vars(datum).update(before)
    for proof in proofs.by_key.values():
        ledger.put("PROOF", proof.key, attributes(proof))
    ready.configure(APPROVED)


def shut(stack: SmallStack) -> dict[str, str]:
    (found,) = gates(stack.context())
    assert found.ref == OLD
    return {claim.name: claim.evidence for claim in found.claims if not claim.holds}


def put(stack: SmallStack, metric: str, value: float, index: str | None = None, minutes: float = 2) -> None:
    """Puts a value of some minutes ago into CloudWatch."""
    client = cloudwatch(stack.context().config)
    assert client is not None
    dimensions = {"TableName": stack.physical("personnel"), **({"GlobalSecondaryIndexName": index} if index else {})}
    client.put_metric_data(
        Namespace="AWS/DynamoDB",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": each} for name, each in dimensions.items()],
                "Value": value,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes),
            }
        ],
    )


def test_with_everything_shown_it_is_open(gated: SmallStack) -> None:
    assert shut(gated) == {}


def test_a_read_of_the_old_index_keeps_it_shut_and_the_rest_of_the_migration_is_done(gated: SmallStack) -> None:
    gated.client.query(
        TableName=gated.physical("personnel"),
        IndexName="GSI2-ProjectIndex",
        KeyConditionExpression="project_id = :p",
        ExpressionAttributeValues={":p": {"S": "p1"}},
    )
    (name, evidence), *others = shut(gated).items()
    assert (name, others) == ("nobody reads it", [])
    assert evidence.startswith("1.0 read units by others, last at ")
    summary = gated.migrate()
    assert [blocked.ref for blocked in summary.blocked] == [OLD]
    assert (summary.run, "GSI2-ProjectIndex" in gated.indexes("personnel")) == (None, True)


def test_a_firing_alarm_keeps_it_shut(gated: SmallStack) -> None:
    for minutes in (2, 7, 12):
        # 4.5 of 5 units a second, which throttles nobody.
        put(gated, "ConsumedWriteCapacityUnits", 4.5 * 300, "GSI1-NameIndex", minutes)
        put(gated, "ProvisionedWriteCapacityUnits", 5, "GSI1-NameIndex", minutes)
    assert shut(gated) == {"alarms quiet": f"{gated.prefix}personnel/GSI1-NameIndex/capacity is ALARM"}
    assert [blocked.ref for blocked in gated.migrate().blocked] == [OLD]


def test_a_throttled_request_in_the_last_hour_keeps_it_shut(gated: SmallStack) -> None:
    put(gated, "ReadThrottleEvents", 2, minutes=50)
    assert shut(gated) == {"last hour clean": "2 throttled reads"}


def test_a_throttled_request_before_that_does_not(gated: SmallStack) -> None:
    put(gated, "ReadThrottleEvents", 2, minutes=65)
    assert shut(gated) == {}


def test_a_missing_approval_keeps_it_shut(gated: SmallStack) -> None:
    gated.configure("")
    assert shut(gated) == {"approved": f"the stack file has no approval for {OLD}"}


def test_missing_shadow_reads_keep_it_shut_and_are_made_by_the_next_run(gated: SmallStack) -> None:
    gated.context().ledger.disprove(ShadowProof, NEW)
    assert shut(gated) == {"shadow reads equal": f"{NEW} was not compared with its table yet"}
    context = gated.context()
    assert f"shadow-read {NEW}" in [step.name for step in plan_of(context, context.read_world()).steps]


def test_a_dead_metric_keeps_it_shut(gated: SmallStack) -> None:
    backend = cloudwatch_backends[ACCOUNT][REGION]
    backend.metric_data[:] = [one for one in backend.metric_data if one.name != "ConsumedReadCapacityUnits"]
    assert list(shut(gated)) == ["read metric alive"]
    assert shut(gated)["read metric alive"].endswith("does not show, so a zero proves nothing")


def test_a_late_writer_keeps_it_shut(gated: SmallStack) -> None:
    context = gated.context()
    context.ledger.disprove(ReadReadyProof, NEW)
    found = context.ledger.proof(LateWritersProof, "personnel")
    assert found is not None
    context.ledger.prove(replace(found, unready="2 items of a late writer, 2 in all"))
    assert shut(gated) == {"replacement read-ready": f"{NEW} is built; 2 items of a late writer, 2 in all"}


def test_a_late_writer_that_is_back_at_the_last_moment_stops_the_removal_and_is_watched_again(
    gated: SmallStack,
) -> None:
    late = {"PK": {"S": "PERSON#9"}, "SK": {"S": "PROFILE"}, "full_name": {"S": "Zoë"}}
    gated.client.put_item(TableName=gated.physical("personnel"), Item=late)
    with pytest.raises(Waiting) as waiting:
        gated.migrate()
    assert waiting.value.what == f"{OLD} must not be removed yet: a late writer is back."
    assert waiting.value.why == "Its replacement would miss items: 1 items lack status or dateLastSeen."
    assert list(shut(gated)) == ["replacement read-ready"]
    assert "GSI2-ProjectIndex" in gated.indexes("personnel")
    gated.client.delete_item(
        TableName=gated.physical("personnel"), Key={"PK": {"S": "PERSON#9"}, "SK": {"S": "PROFILE"}}
    )


def test_the_gate_is_the_hooks_too(gated: SmallStack) -> None:
    """Even an `up` that nobody planned is refused while one condition does not hold."""
    gated.context().ledger.disprove(ShadowProof, NEW)
    context = gated.context()
    world = context.read_world()
    with pytest.raises(Refused, match="shadow reads equal"):
        context.engine._run(world.live, present(SCHEMA, world).without_index(OLD), dry=False)
    assert "GSI2-ProjectIndex" in gated.indexes("personnel")
