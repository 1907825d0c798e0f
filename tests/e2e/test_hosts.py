"""A migration that is killed on one host and finished on another, with Pulumi's state in a bucket."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.dynamodb.models import dynamodb_backends

from local.emulation import application
from stack.ledger.ledger import Ledger
from stack.processes import host
from tests.gated_server import Gate, creation_of_an_index, gated
from tests.hosts import need_hosts, running, running_on
from tests.limits import EXPECTED, HANGS
from tests.previews import preview
from tests.small_run import command
from tests.snapshots import forget
from tests.stacks import APPROVED, NEW, PEOPLE, PROJECT, SCHEMA, SmallStack

LEASE_SECONDS = 4
OWN_IMPORTS = {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'examples' / 'orders'}"}


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[Gate, str]]:
    """A local AWS of one's own, S3 among it."""
    with gated(application()) as made:
        yield made


@pytest.fixture
def stack(aws: tuple[Gate, str], tmp_path: Path) -> Iterator[SmallStack]:
    """A stack before its migration, whose state is to be kept in a bucket."""
    _, endpoint = aws
    extra = f"{APPROVED}  sitelogix:leaseSeconds: {LEASE_SECONDS}\n"
    (tmp_path / "a").mkdir()
    made = SmallStack.make(tmp_path / "a", endpoint, SCHEMA)
    bucket = f"{made.prefix}state"
    made.backend = f"s3://{bucket}?endpoint={endpoint}&s3ForcePathStyle=true&region=us-east-1"
    made.configure(extra)
    s3(endpoint).create_bucket(Bucket=bucket)
    made.seed({"personnel": PEOPLE})
    yield made
    forget(made)


def s3(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def objects(stack: SmallStack) -> dict[str, bytes]:
    """What Pulumi keeps in the bucket."""
    client, bucket = s3(stack.endpoint), f"{stack.prefix}state"
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def locks(stack: SmallStack) -> list[Any]:
    """Pulumi's locks in the bucket."""
    return [json.loads(text) for key, text in objects(stack).items() if key.startswith(".pulumi/locks/")]


def still_building(stack: SmallStack) -> Any:
    """Has AWS say that it still builds the new index. Returns what has it say that it is built."""
    table: Any = dynamodb_backends["123456789012"]["us-east-1"].tables[stack.physical("personnel")]
    (index,) = [one for one in table.global_indexes if one.name == NEW.index]
    index.status = "CREATING"
    return partial(setattr, index, "status", "ACTIVE")


@pytest.mark.parametrize("asked", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_a_signal_to_the_entry_process_alone_ends_an_up_in_order_though_aws_still_builds(
    aws: tuple[Gate, str], stack: SmallStack, asked: signal.Signals
) -> None:
    gate, _ = aws
    gate.hold(creation_of_an_index)
    with running(command(stack), OWN_IMPORTS) as stopped:
        assert gate.reached.wait(EXPECTED), stopped.communicate(timeout=HANGS)
        built = still_building(stack)
        gate.open()
        stopped.send_signal(asked)
        output, errors = stopped.communicate(timeout=HANGS)
    assert stopped.returncode == 130, f"{output}{errors}"
    what, why, _ = json.loads(output)["error"]
    assert re.fullmatch(rf"Stopped in create-index {NEW}, step \d+ of \d+\.", what)
    assert why == "What is done is recorded. AWS finishes what it has begun."
    ledger = stack.context().ledger
    assert (locks(stack), ledger.lease.holder(), list(ledger.records("ENGINE"))) == ([], None, [])
    built()
    with running(command(stack), OWN_IMPORTS) as finished:
        output, errors = finished.communicate(timeout=HANGS)
    assert finished.returncode == 0, f"{output}{errors}"
    assert f"create-index {NEW}" not in json.loads(output)["done"]
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_an_up_whose_plugin_does_not_obey_gives_back_lock_and_lease_all_the_same(
    aws: tuple[Gate, str], stack: SmallStack
) -> None:
    gate, _ = aws
    gate.hold(creation_of_an_index)
    with running(command(stack), OWN_IMPORTS) as stopped:
        assert gate.reached.wait(EXPECTED), stopped.communicate(timeout=HANGS)
        # AWS does not answer, so that the plugin waits for that and hears nothing.
        stopped.send_signal(signal.SIGINT)
        output, errors = stopped.communicate(timeout=HANGS)
    gate.open()
    assert stopped.returncode == 130, f"{output}{errors}"
    assert (locks(stack), stack.context().ledger.lease.holder()) == ([], None)
    with running(command(stack), OWN_IMPORTS) as finished:
        output, errors = finished.communicate(timeout=HANGS)
    assert finished.returncode == 0, f"{output}{errors}"
    assert f"create-index {NEW}" not in json.loads(output)["done"]


def until_the_lease_is_over(stack: SmallStack) -> None:
    context = stack.context()
    lease = Ledger(context.client, context.config).lease
    deadline = time.monotonic() + EXPECTED
    while (holder := lease.holder()) is not None and not lease.is_over(holder):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_migration_that_was_killed_on_one_host_is_finished_on_another_and_previewed_read_only(
    aws: tuple[Gate, str], stack: SmallStack, tmp_path: Path
) -> None:
    need_hosts()
    gate, _ = aws
    gate.hold(creation_of_an_index)
    with running_on("host-a", command(stack), OWN_IMPORTS) as killed:
        assert gate.reached.wait(EXPECTED), killed.communicate(timeout=HANGS)
    gate.open()
    # Killed while AWS had made the index, and nobody had told Pulumi.
    (lock,) = locks(stack)
    assert lock["hostname"] == "host-a"
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-ProjectIndex", "GSI2-StatusIndex"]
    until_the_lease_is_over(stack)

    there = replace(stack, directory=tmp_path / "b")
    shutil.copytree(stack.directory, there.directory, ignore=shutil.ignore_patterns(".local"))
    with running_on("host-b", command(there), OWN_IMPORTS) as finished:
        output, errors = finished.communicate(timeout=HANGS)
    assert finished.returncode == 0, f"{output}{errors}"
    told = json.loads(output)
    assert [note for note in told["notes"] if "in place of a dead run" in note and "@host-a, since" in note] != []
    assert f"create-index {NEW}" not in told["done"]
    assert told["done"][-1] == "verify"
    assert locks(stack) == []
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    assert list(there.context().ledger.records("ENGINE")) == []

    before = objects(stack)
    gate.read_only = True
    try:
        assert preview(there.context()) == []
    finally:
        gate.read_only = False
    assert (gate.denied, objects(stack)) == ([], before)
    assert host() not in {"host-a", "host-b"}
