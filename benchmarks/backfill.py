"""How fast a backfill is, beside the two ways in which people do it today: `./invoke bench backfill`."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.ways import MEASURED, PREFIX, bench_config
from dynamo.units import EVENTUAL_READ_UNIT
from local.dynamodb_local import DynamoDbLocal
from local.stack import create_table
from stack.aws import dynamodb

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CHECKOUT = Path(__file__).resolve().parent.parent
TABLE = f"{PREFIX}{MEASURED.name}"
ITEM_BYTES = 400
NEEDING = 0.8
WARM_UP_ITEMS = 20_000
BATCH = 25
LOADERS = 4
COUNTED_SEGMENTS = 16

Result = dict[str, Any]


def bench(items: int, rounds: int, growth: tuple[int, ...], say: Callable[[str], None]) -> Result:
    """Backfills a table of `items` items in each way, `rounds` times in turn, then tables of other sizes in ours.

    Server and client each get a processor of their own, where there are two. Raises Missing without DynamoDB Local.
    """
    cores = os.cpu_count() or 1
    server_core = cores - 1 if cores > 1 else None
    own = psutil.Process().cpu_affinity()
    with DynamoDbLocal(core=server_core, heap="8g") as server:
        try:
            if server_core is not None:
                psutil.Process().cpu_affinity([core for core in range(cores) if core != server_core])
            client = dynamodb(bench_config(server.endpoint, CHECKOUT))
            say("Warming the server up …")
            for way in ("documents", "threads", "ours", "ours", "ours", "ours"):
                _load(client, min(items, WARM_UP_ITEMS))
                _run(way, server.endpoint)
            measured: list[Result] = []
            for number in range(1, rounds + 1):
                for way in ("documents", "threads", "ours"):
                    measured.append(_measured(client, server.endpoint, way, items))
                    say(f"round {number}: {way} {measured[-1]['items_per_second']:,.0f} items/s")
            grown: list[Result] = []
            for size in growth:
                grown.append(_measured(client, server.endpoint, "ours", size))
                say(f"{size:,} items: {grown[-1]['items_per_second']:,.0f} items/s")
        finally:
            psutil.Process().cpu_affinity(own)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {cores} processors, Python {platform.python_version()}",
        "items": items,
        "rounds": measured,
        "growth": grown,
        "claims": claims(measured, grown),
    }


def claims(measured: list[Result], grown: list[Result]) -> list[Result]:
    """What was to be reached, and what was: by the medians of the rounds."""

    def median(way: str, figure: str) -> float:
        return float(statistics.median(result[figure] for result in measured if result["way"] == way))

    ours = [result for result in measured if result["way"] == "ours"] + grown
    pace = median("ours", "items_per_second")
    found = [
        _claim("times the documents' loop", pace / median("documents", "items_per_second"), at_least=8),
        _claim("times eight threads of update_item", pace / median("threads", "items_per_second"), at_least=3.5),
        _claim("statements per changed item", max(r["statements"] / r["changed"] for r in ours), at_most=1.02),
        _claim("read units of a pass per table size", max(r["pass_per_size"] for r in ours), at_most=1.05),
    ]
    if len(grown) > 1:
        by_size = sorted(grown, key=lambda result: result["items"])
        smallest, largest = by_size[0], by_size[-1]
        more = (largest["peak_bytes"] - smallest["peak_bytes"]) / 1e6
        found.append(_claim(f"MB more memory at {largest['items']:,} items", more, at_most=30))
        slower = (largest["seconds"] / largest["items"]) / (smallest["seconds"] / smallest["items"])
        found.append(_claim(f"time per item, {largest['items']:,} to {smallest['items']:,}", slower, at_most=1.0))
    return found


def write(result: Result) -> Path:
    """Keeps the result as a JSON file and returns where."""
    path = CHECKOUT / ".local" / "bench" / f"backfill-{result['at'].replace(':', '')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def _claim(what: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> Result:
    reached = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    return {"claim": what, "value": value, "at_least": at_least, "at_most": at_most, "reached": reached}


def _measured(client: DynamoDBClient, endpoint: str, way: str, items: int) -> Result:
    size = _load(client, items)
    result = _run(way, endpoint)
    left = _count_unfilled(client)
    if left or result["changed"] != round(items * NEEDING):
        raise AssertionError(f"{way} changed {result['changed']} of {items} items and left {left}")
    per_pass = result["read_units"] * EVENTUAL_READ_UNIT / result["passes"]
    return {
        **result,
        "items": items,
        "items_per_second": result["changed"] / result["seconds"],
        "cpu_microseconds_per_item": result["cpu_seconds"] / result["changed"] * 1e6,
        # Between the passes the items grow, so a pass is held against the mean of both sizes.
        "pass_per_size": per_pass / ((size + _size(client)) / 2 if result["passes"] > 1 else size),
    }


def _run(way: str, endpoint: str) -> Result:
    command = [sys.executable, "-m", "benchmarks.ways", way, endpoint, TABLE]
    output = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    found: Result = json.loads(output)
    return found


def _load(client: DynamoDBClient, items: int) -> int:
    """Makes the table anew and returns its bytes."""
    for name in client.list_tables()["TableNames"]:
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.delete_table(TableName=name)
    create_table(client, TABLE, replace(MEASURED, indexes=()))

    def put(part: int) -> None:
        for start in range(part * BATCH, items, LOADERS * BATCH):
            batch = [_item(number) for number in range(start, min(start + BATCH, items))]
            client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in batch]})

    with ThreadPoolExecutor(LOADERS) as pool:
        list(pool.map(put, range(LOADERS)))
    return _size(client)


def _item(number: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "PK": {"S": f"ITEM#{number:08}"},
        "SK": {"S": "METADATA"},
        "createdAt": {"S": f"2025-01-{number % 28 + 1:02}T00:00:00Z"},
        "body": {"S": "x" * (ITEM_BYTES - 80)},
    }
    if number % 5 == 0:
        item |= {"status": {"S": "draft"}, "timestamp": {"S": "2025-01-01T00:00:00Z"}}
    return item


def _size(client: DynamoDBClient) -> int:
    return client.describe_table(TableName=TABLE)["Table"]["TableSizeBytes"]


def _count_unfilled(client: DynamoDBClient) -> int:
    # In segments: for a scan without, DynamoDB Local sorts the whole table first, and of a million items times out.
    pages = (
        page
        for segment in range(COUNTED_SEGMENTS)
        for page in client.get_paginator("scan").paginate(
            TableName=TABLE,
            Select="COUNT",
            Segment=segment,
            TotalSegments=COUNTED_SEGMENTS,
            FilterExpression="attribute_not_exists(#status) OR attribute_not_exists(#timestamp)",
            ExpressionAttributeNames={"#status": "status", "#timestamp": "timestamp"},
        )
    )
    return sum(page["Count"] for page in pages)
