"""How fast a backfill may go: what the user says, else a share of what the table and its indexes have left."""

from __future__ import annotations

import math
from dataclasses import dataclass

from schema.parts import Projection, ProjectionType, Throughput
from stack.file.settings import BackfillSettings
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveTable

ON_DEMAND_WRITES = 1000.0
"""Write units a second on an on-demand table: what a single partition takes, a quarter of what a table starts with."""
ON_DEMAND_READS = 3000.0
"""Read units a second there: what a single partition takes."""


@dataclass(frozen=True)
class Rates:
    """Write and read units a second that a backfill keeps to."""

    write: float
    read: float


def rates_for(
    live: LiveTable,
    attributes: tuple[str, ...],
    settings: BackfillSettings,
    metrics: Metrics,
    rate: float | None = None,
) -> Rates:
    """The rates for a backfill of these attributes; `rate` (write units a second) goes before the stack's settings."""
    write = rate or settings.rate
    if write is None:
        headroom = _write_headroom(live, attributes, metrics)
        write = settings.share * headroom if live.throughput else min(ON_DEMAND_WRITES, settings.share * headroom)
    return Rates(max(1.0, write), read_rate(live, settings, metrics))


def read_rate(live: LiveTable, settings: BackfillSettings, metrics: Metrics) -> float:
    """The read units a second that may be used: readers of the table must not be throttled by ours."""
    if settings.read_rate is not None:
        return max(1.0, settings.read_rate)
    if live.throughput is None:
        most = live.most_reads
        return ON_DEMAND_READS if most is None else max(1.0, min(ON_DEMAND_READS, settings.share * most))
    return max(1.0, settings.share * (live.throughput.read - metrics.consumed("Read")))


def _write_headroom(live: LiveTable, attributes: tuple[str, ...], metrics: Metrics) -> float:
    """The write units a second that the table has left, or one of the indexes that a write would touch; infinite on
    demand without a maximum."""
    left = [math.inf]
    if most := _most(live.throughput, live.most_writes):
        left.append(most - metrics.consumed("Write"))
    for name, index in live.indexes.items():
        keys = {key.name for key in index.index.keys}
        touched = keys & set(attributes) or _projects(index.index.projection, attributes)
        if touched and (most := _most(index.index.throughput, index.most_writes)):
            left.append(most - metrics.consumed("Write", index=name))
    return min(left)


def _most(provisioned: Throughput | None, most_on_demand: int | None) -> int | None:
    return most_on_demand if provisioned is None else provisioned.write


def _projects(projection: Projection, attributes: tuple[str, ...]) -> bool:
    return projection.type is ProjectionType.ALL or bool(set(projection.attributes) & set(attributes))
