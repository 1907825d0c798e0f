"""The dashboard: for each table and its indexes throttles, capacity, errors, latency and index builds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from schema.model import Schema, Table
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.monitoring.alarms import Dimensions, is_provisioned, monitored
from stack.monitoring.metrics import NAMESPACE, OPERATIONS
from stack.world.live import Live

WIDTH, HEIGHT = 8, 6
"""The size of a graph: three of them fill a row of the dashboard, which is 24 wide."""
PERIOD_SECONDS = 60

Line = list[Any]
"""One line of a graph, as CloudWatch's dashboard body has it: a metric, or an expression over lines by their id."""


def dashboard(schema: Schema, config: StackConfig, declaration: Declaration, live: Live) -> str:
    """The dashboard's body for all tables and indexes that `declaration` names: the same text for the same stack."""
    graphs: list[tuple[str, list[Line]]] = [("Account: user errors", [_metric("UserErrors", (), "Sum")])]
    for table in schema:
        if table.name in declaration.tables:
            graphs += _of_table(table, config, declaration, live)
    widgets = [_widget(config, number, title, lines) for number, (title, lines) in enumerate(graphs)]
    return json.dumps({"widgets": widgets}, sort_keys=True)


def _of_table(
    table: Table, config: StackConfig, declaration: Declaration, live: Live
) -> Iterator[tuple[str, list[Line]]]:
    subjects = [(str(subject), of) for subject, of in monitored(table, config, declaration)]
    indexes = subjects[1:]
    operations = [(name, (*subjects[0][1], ("Operation", name))) for name in OPERATIONS]
    yield (
        f"{table.name}: throttles",
        [
            _metric(f"{kind}ThrottleEvents", of, "Sum", label=f"{resource} {kind.lower()}s")
            for resource, of in subjects
            for kind in ("Read", "Write")
        ],
    )
    for kind in ("Read", "Write"):
        lines = [
            line
            for number, (resource, of) in enumerate(subjects)
            for line in _consumed(kind, number, resource, of, provisioned=is_provisioned(table, live))
        ]
        yield f"{table.name}: {kind.lower()} capacity a second", lines
    yield (
        f"{table.name}: system errors",
        [_metric("SystemErrors", of, "Sum", label=name) for name, of in operations],
    )
    yield (
        f"{table.name}: latency (ms)",
        [_metric("SuccessfulRequestLatency", of, "Average", label=name) for name, of in operations],
    )
    if indexes:
        yield (
            f"{table.name}: index builds (%)",
            [_metric("OnlineIndexPercentageProgress", of, "Maximum", label=resource) for resource, of in indexes],
        )


def _consumed(kind: str, number: int, resource: str, of: Dimensions, *, provisioned: bool) -> Iterator[Line]:
    """What was consumed is told as a sum, what is provisioned as units a second."""
    id = f"m{number}"
    yield [{"expression": f"{id} / PERIOD({id})", "label": f"{resource} consumed", "id": f"e{number}"}]
    yield _metric(f"Consumed{kind}CapacityUnits", of, "Sum", id=id, visible=False)
    if provisioned:
        yield _metric(f"Provisioned{kind}CapacityUnits", of, "Average", label=f"{resource} provisioned")


def _metric(name: str, dimensions: Dimensions, stat: str, **options: object) -> Line:
    return [NAMESPACE, name, *(part for dimension in dimensions for part in dimension), {"stat": stat, **options}]


def _widget(config: StackConfig, number: int, title: str, lines: list[Line]) -> dict[str, Any]:
    per_row = 24 // WIDTH
    return {
        "type": "metric",
        "x": number % per_row * WIDTH,
        "y": number // per_row * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {
            "title": title,
            "region": config.region,
            "view": "timeSeries",
            "stacked": False,
            "period": PERIOD_SECONDS,
            "metrics": lines,
        },
    }
