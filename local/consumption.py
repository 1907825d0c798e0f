"""What requests to DynamoDB consume, as metrics of AWS/DynamoDB in moto's CloudWatch.

One unit a request, and one an item of a batch or a transaction: moto has no better figure. Reads of an index count for
the index, as in AWS. An index's writes, latency, throttles and provisioned capacity are not told: moto has none.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends

from schema.clock import at_present

NAMESPACE = "AWS/DynamoDB"
KEPT = timedelta(days=15)
"""How long CloudWatch keeps values by the minute."""
READ, WRITTEN = "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"

Dimensions = tuple[tuple[str, str], ...]
Consumed = tuple[str, Dimensions, int]
"""A metric, its dimensions, and units."""

_READS = {"GetItem", "Query", "Scan"}
_WRITES = {"DeleteItem", "PutItem", "UpdateItem"}
_TRANSACTIONS = {"TransactGetItems": READ, "TransactWriteItems": WRITTEN}
OPERATIONS = {
    *_READS,
    *_WRITES,
    *_TRANSACTIONS,
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "ExecuteStatement",
    "ExecuteTransaction",
}
"""The requests that read or write items; those about tables consume nothing."""
_STATEMENT = re.compile(
    r"\s*(?P<verb>select|insert|update|delete)\b(?:.*?\bfrom\b|\s+into\b)?\s*"
    r'"?(?P<table>[A-Za-z0-9_.-]+)"?(?:\s*\.\s*"(?P<index>[A-Za-z0-9_.-]+)")?',
    re.IGNORECASE | re.DOTALL,
)


def read_by(operation: str, body: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The table, and the index if one is named, that a query, a scan or a PartiQL SELECT reads; None for others."""
    if operation in {"Query", "Scan"}:
        return str(body.get("TableName")), body.get("IndexName")
    if operation == "ExecuteStatement":
        found = _STATEMENT.match(str(body.get("Statement")))
        if found and found["verb"].lower() == "select":
            return found["table"], found["index"]
    return None


def consumed(operation: str, body: Mapping[str, Any]) -> Iterator[Consumed]:
    """What a request consumes when it succeeds."""
    if operation in _READS:
        yield READ, _dimensions(str(body.get("TableName")), body.get("IndexName")), 1
    elif operation in _WRITES:
        yield WRITTEN, _dimensions(str(body.get("TableName"))), 1
    elif operation == "BatchGetItem":
        yield from ((READ, _dimensions(name), len(of["Keys"])) for name, of in body.get("RequestItems", {}).items())
    elif operation == "BatchWriteItem":
        yield from ((WRITTEN, _dimensions(name), len(of)) for name, of in body.get("RequestItems", {}).items())
    elif operation in _TRANSACTIONS:
        parts = [part for item in body.get("TransactItems", []) for part in item.values()]
        yield from ((_TRANSACTIONS[operation], _dimensions(str(part.get("TableName"))), 1) for part in parts)
    else:
        for statement in body.get("Statements") or body.get("TransactStatements") or [body]:
            yield from _of_statement(statement)


def _of_statement(part: Mapping[str, Any]) -> Iterator[Consumed]:
    found = _STATEMENT.match(str(part.get("Statement")))
    if found:
        metric = READ if found["verb"].lower() == "select" else WRITTEN
        yield metric, _dimensions(found["table"], found["index"]), 1


def _dimensions(table: str, index: str | None = None) -> Dimensions:
    # A table may be named by its ARN.
    name = ("TableName", table.rpartition("/")[2])
    return (name, ("GlobalSecondaryIndexName", index)) if index else (name,)


@dataclass
class _Minute:
    """What is being added up in one region: the minute (UTC, without a zone, as moto has it), the value of each metric
    and its dimensions, and moto's list that holds them."""

    start: datetime
    kept: list[Any]
    values: dict[tuple[str, Dimensions], Any] = field(default_factory=dict)


class Meter:
    """Adds up what is consumed, one value a minute for each metric and its dimensions, and forgets it in time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: dict[str, _Minute] = {}

    def add(self, account: str, region: str, counts: Iterable[Consumed]) -> None:
        """Counts this many units now."""
        with self._lock:
            minute = self._minute(account, region)
            for metric, dimensions, units in counts:
                value = minute.values.get((metric, dimensions))
                if value is None:
                    named = [{"Name": name, "Value": value} for name, value in dimensions]
                    value = MetricAggregatedDatum(NAMESPACE, metric, units, units, 0, 0, named, minute.start, "Count")
                    minute.values[metric, dimensions] = value
                    minute.kept.append(value)
                value.sum += units
                value.sample_count += 1
                value.min, value.max = min(value.min, units), max(value.max, units)

    def _minute(self, account: str, region: str) -> _Minute:
        """The running one: another with each minute, and when moto was reset, for then its list is another one."""
        start = at_present().replace(second=0, microsecond=0, tzinfo=None)
        kept: list[Any] = cloudwatch_backends[account][region].metric_data
        minute = self._minutes.get(region)
        if minute is None or minute.start != start or minute.kept is not kept:
            # From the front only: somebody may be putting values at the end.
            while kept and kept[0].timestamp < start - KEPT:
                del kept[0]
            minute = self._minutes[region] = _Minute(start, kept)
        return minute
