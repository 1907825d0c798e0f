"""One way of backfilling one table, in a process of its own: so that its processor time and memory are its own.

python -m benchmarks.ways WAY ENDPOINT TABLE    prints one JSON document
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from backfills.items.target import target_of
from backfills.run.assembly import Assembly, Options
from schema.backfill import Backfill, Given, Item, constant, text
from schema.model import Index, Table
from schema.parts import Attribute, Throughput
from stack.aws import dynamodb, dynamodb_once
from stack.file.config import StackConfig
from stack.file.settings import Settings
from stack.ledger.ledger import Ledger

CAPACITY = Throughput(read=10, write=10)
PREFIX = "bench-"
"""What the names of the benchmark's tables begin with."""
THREADS = 8


def _timestamp(item: Item, given: Given) -> str:
    return text(item, "createdAt") or given.default(given.clock)


MEASURED = Table(
    name="measured",
    partition_key=Attribute("PK"),
    sort_key=Attribute("SK"),
    throughput=CAPACITY,
    indexes=(Index("ByStatus", Attribute("status"), Attribute("timestamp"), throughput=CAPACITY),),
    backfill=Backfill({"status": constant("published"), "timestamp": _timestamp}, reads=("createdAt",)),
    existing=True,
)


class Meter:
    """Counts the requests of clients by operation, the statements in them, and the units that the server names."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.statements = 0
        self.read_units = 0.0
        self.write_units = 0.0

    def watch(self, client: Any) -> None:
        """Counts what this client sends from now on."""
        client.meta.events.register("provide-client-params.dynamodb", self._sent)
        client.meta.events.register("after-call.dynamodb", self._answered)

    def _sent(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if params.get("TableName", "").endswith("migration-ledger"):
            self.requests["ledger"] += 1
            return
        self.requests[model.name] += 1
        self.statements += len(params.get("Statements", ())) + (model.name == "UpdateItem")

    def _answered(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity")
        if isinstance(consumed, dict):
            if model.name == "Scan":
                self.read_units += consumed["CapacityUnits"]
            else:
                self.write_units += consumed["CapacityUnits"]


def bench_config(endpoint: str, checkout: Path) -> StackConfig:
    """The settings of a stack on the emulator at that URL."""
    settings = {"tablePrefix": PREFIX, "account": "0" * 12, "backend": "file:///nowhere"}
    return StackConfig(
        stack="bench",
        checkout=checkout,
        settings=Settings.model_validate(settings),
        region="us-east-1",
        project="bench",
        endpoint=endpoint,
        access_key="dummy",
        secret_key="dummy",  # noqa: S106  # the emulator takes any
    )


def documents_loop(endpoint: str, table: str, meter: Meter) -> dict[str, Any]:
    """The migration documents' script, with its reserved words and its paging mended: reads whole items, writes one at
    a time, without a condition."""
    handle = _resource(endpoint, meter).Table(table)
    changed, parameters = 0, dict[str, Any](ReturnConsumedCapacity="TOTAL")
    while True:
        answer = handle.scan(**parameters)
        for item in answer["Items"]:
            changed += _update(handle, item, {})
        if "LastEvaluatedKey" not in answer:
            return {"changed": changed, "passes": 1}
        parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def eight_threads(endpoint: str, table: str, meter: Meter) -> dict[str, Any]:
    """What bulk tools do in each worker: eight segments, eight threads, one conditional update an item."""
    handle = _resource(endpoint, meter).Table(table)
    condition = {"ConditionExpression": "attribute_exists(PK) AND attribute_not_exists(#status)"}

    def segment(number: int) -> int:
        changed, parameters = 0, dict[str, Any](ReturnConsumedCapacity="TOTAL", Segment=number, TotalSegments=THREADS)
        while True:
            answer = handle.scan(**parameters)
            changed += sum(_update(handle, item, condition) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return changed
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    with ThreadPoolExecutor(THREADS) as pool:
        return {"changed": sum(pool.map(segment, range(THREADS))), "passes": 1}


def ours(endpoint: str, table: str, meter: Meter) -> dict[str, Any]:
    """This tool as a run uses it: with its ledger, checkpoints, canary, journal and verifying pass."""
    with tempfile.TemporaryDirectory() as directory:
        config = bench_config(endpoint, Path(directory))
        client, once = dynamodb(config), dynamodb_once(config)
        meter.watch(client)
        meter.watch(once)
        ledger = Ledger(client, config)
        ledger.create()
        described = client.describe_table(TableName=table)["Table"]
        # A table id of its own for each run: nothing of an earlier one is gone on with.
        id, count, size = str(time.time_ns()), described["ItemCount"], described["TableSizeBytes"]
        target = target_of(MEASURED, table, id, count, size)
        counts = Assembly(once, target, ledger, Options()).run(_now()).counts
    return {"changed": counts.changed, "passes": counts.passes}


WAYS: dict[str, Callable[[str, str, Meter], dict[str, Any]]] = {
    "documents": documents_loop,
    "threads": eight_threads,
    "ours": ours,
}


def main(way: str, endpoint: str, table: str) -> None:
    """Runs the way and prints what it took."""
    meter = Meter()
    cpu, began = time.process_time(), time.perf_counter()
    result = WAYS[way](endpoint, table, meter)
    seconds = time.perf_counter() - began
    json.dump(
        {
            **result,
            "way": way,
            "seconds": seconds,
            "cpu_seconds": time.process_time() - cpu,
            "requests": dict(meter.requests),
            "statements": meter.statements,
            "read_units": meter.read_units,
            "write_units": meter.write_units,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        },
        sys.stdout,
    )


def _update(handle: Any, item: dict[str, Any], condition: dict[str, Any]) -> bool:
    """The documents' update of one item: the attributes that it lacks."""
    values: dict[str, Any] = {}
    if "status" not in item:
        values["status"] = "published"
    if "timestamp" not in item:
        values["timestamp"] = item.get("createdAt", _now())
    if not values:
        return False
    handle.update_item(
        Key={"PK": item["PK"], "SK": item["SK"]},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        ReturnConsumedCapacity="TOTAL",
        **condition,
    )
    return True


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resource(endpoint: str, meter: Meter) -> Any:
    config = bench_config(endpoint, Path.cwd())
    found = boto3.resource(
        "dynamodb",
        region_name=config.region,
        endpoint_url=endpoint,
        aws_access_key_id=config.access_key,
        aws_secret_access_key=config.secret_key,
    )
    meter.watch(found.meta.client)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
