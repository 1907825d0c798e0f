"""The brown-out before an old index goes, on the real engine: what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends

from migration.session import brown_out
from migration.session.brown_out import at_work, end_brown_outs, read_policy
from schema.errors import Waiting
from stack.aws import cloudwatch
from stack.ledger.records import BrownOutProof
from tests.snapshots import Snapshot
from tests.stacks import APPROVED, OLD, PROJECT, SCHEMA, SmallStack

POLICY = """{ "Version": "2012-10-17",
  "Statement": {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "dynamodb:GetItem", "Resource": "%s"} }"""
SECONDS = 6
KILLED = """
import sys
from pathlib import Path
from tests.stacks import SCHEMA, SmallStack
directory, endpoint, prefix = sys.argv[1:]
SmallStack(Path(directory), endpoint, SCHEMA, prefix).migrate()
"""


@pytest.fixture(scope="module")
def migrated_but_for_the_old_index(
    unapproved_once: Snapshot, tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str
) -> SmallStack:
    return unapproved_once.copy(tmp_path_factory.mktemp("brown-out"), moto_endpoint, SCHEMA)


@pytest.fixture
def browning(migrated_but_for_the_old_index: SmallStack) -> Iterator[SmallStack]:
    """A stack with the old index alone still to go, and a brown-out of some seconds before that. Only the last test
    lets it go."""
    stack = migrated_but_for_the_old_index
    assert "GSI2-ProjectIndex" in stack.indexes("personnel")
    stack.configure(f"{APPROVED}  sitelogix:brownOutMinutes: {SECONDS / 60}\n")
    yield stack
    if policy(stack) is not None:
        stack.client.delete_resource_policy(ResourceArn=arn(stack))
    stack.context().ledger.disprove(BrownOutProof, OLD)
    backend = cloudwatch_backends["123456789012"]["us-east-1"]
    backend.metric_data[:] = [one for one in backend.metric_data if one.name != "WriteThrottleEvents"]
    for alarm in backend.alarms.values():
        alarm.state_value = "OK"


def arn(stack: SmallStack) -> str:
    return stack.client.describe_table(TableName=stack.physical("personnel"))["Table"]["TableArn"]


def policy(stack: SmallStack) -> str | None:
    return read_policy(stack.client, arn(stack))[0]


def in_the_middle(stack: SmallStack, act: Any) -> threading.Thread:
    """Does it once reads are refused."""

    context = stack.context()

    def wait() -> None:
        while not at_work(context) or "BrownOut" not in (policy(stack) or ""):
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def read(stack: SmallStack, index: str, key: str) -> int:
    return stack.client.query(
        TableName=stack.physical("personnel"),
        IndexName=index,
        KeyConditionExpression="#key = :key",
        ExpressionAttributeNames={"#key": key},
        ExpressionAttributeValues={":key": {"S": "p1"}},
    )["Count"]


def test_killed_in_the_middle_the_next_run_puts_the_policy_back_first(browning: SmallStack) -> None:
    before = POLICY % arn(browning)
    browning.client.put_resource_policy(ResourceArn=arn(browning), Policy=before)
    command = [sys.executable, "-c", KILLED, str(browning.directory), browning.endpoint, browning.prefix]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        in_the_middle(browning, lambda: process.send_signal(signal.SIGKILL)).join()
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert "BrownOut" in (policy(browning) or "")
    assert at_work(browning.context()) == [OLD]
    browning.configure("")
    browning.migrate()
    assert policy(browning) == before, "whatever the next run does, reads are allowed again first"
    assert at_work(browning.context()) == []
    assert "GSI2-ProjectIndex" in browning.indexes("personnel")


def test_it_is_one_command_away_from_undone_while_the_run_is_at_work(browning: SmallStack) -> None:
    undone: list[Any] = []
    another = browning.context()
    thread = in_the_middle(browning, lambda: undone.append(end_brown_outs(another)))
    with pytest.raises(Waiting) as waiting:
        browning.migrate()
    thread.join()
    assert undone == [[OLD]]
    assert waiting.value.what == f"The brown-out of {OLD} was taken back."
    assert policy(browning) is None
    assert "GSI2-ProjectIndex" in browning.indexes("personnel")


def test_an_alarm_ends_it(browning: SmallStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brown_out, "ALARM_SECONDS", 0.5)
    client = cloudwatch(browning.context().config)
    assert client is not None
    dimensions: Any = [{"Name": "TableName", "Value": browning.physical("personnel")}]
    now = datetime.now(UTC)
    throttled: Any = [
        {"MetricName": "WriteThrottleEvents", "Dimensions": dimensions, "Value": 11, "Timestamp": time}
        for time in (now, now - timedelta(minutes=5))
    ]
    thread = in_the_middle(browning, lambda: client.put_metric_data(Namespace="AWS/DynamoDB", MetricData=throttled))
    with pytest.raises(Waiting) as waiting:
        browning.migrate()
    thread.join()
    assert waiting.value.what == f"The brown-out of {OLD} was ended by an alarm."
    assert waiting.value.why.startswith(f"In ALARM: {browning.prefix}personnel/throttling.")
    assert policy(browning) is None


def test_what_others_change_in_the_policy_meanwhile_stays(browning: SmallStack) -> None:
    def act() -> None:
        table = arn(browning)
        document = json.loads(policy(browning) or "")
        partner = json.loads(POLICY % table)["Statement"]
        document["Statement"].insert(0, partner)
        browning.client.put_resource_policy(ResourceArn=table, Policy=json.dumps(document))

    thread = in_the_middle(browning, act)
    context = browning.context()
    brown_out.brown_out(context, arn(browning), OLD, context.config.settings.brown_out_minutes)
    thread.join()
    assert [one["Sid"] for one in json.loads(policy(browning) or "")["Statement"]] == ["Partner"]


def test_reads_of_the_old_index_alone_are_refused_and_the_policy_is_afterwards_as_it_was(
    browning: SmallStack,
) -> None:
    before = POLICY % arn(browning)
    browning.client.put_resource_policy(ResourceArn=arn(browning), Policy=before)
    seen: dict[str, Any] = {}

    def act() -> None:
        with pytest.raises(ClientError) as denied:
            read(browning, "GSI2-ProjectIndex", "project_id")
        seen["denied"] = denied.value.response["Error"]["Code"]
        seen["others"] = read(browning, "GSI1-NameIndex", "full_name")
        seen["statements"] = [one["Sid"] for one in json.loads(policy(browning) or "")["Statement"]]

    thread = in_the_middle(browning, act)
    done = [one.step.name for one in browning.migrate().done]
    thread.join()
    assert seen == {
        "denied": "AccessDeniedException",
        "others": 0,
        "statements": ["Partner", "BrownOutGSI2ProjectIndex"],
    }
    assert done[-3:] == [f"brown-out {OLD}", f"remove-index {OLD}", "verify"]
    assert policy(browning) == before
    assert at_work(browning.context()) == []
    assert browning.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
