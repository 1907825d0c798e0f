"""What a person should know about the live tables before a run: what a backfill does to readers of a stream, how far
back a table can be restored, what scales, and what could not be read. Nothing here stops a run. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from schema.model import Schema, Table
from stack.file.settings import Settings
from stack.gates.gate import backfill_proven
from stack.world.live import STREAM_VIEW_TYPE, LiveTable, building_throughput, will_be_live
from stack.world.surroundings import TABLE, Attached, Limits, Scaling, Unknown
from stack.world.world import World

MINUTES_A_DAY = 24 * 60
FACTS = {
    "consumers": "who reads its stream",
    "kinesis": "Kinesis destinations",
    "scaling": "automatic scaling",
    "policy": "resource policy",
    "insights": "contributor insights",
    "legacy_regions": "whether it is a global table of the old version",
}
"""The facts of Attached, as a person reads them."""


@dataclass(frozen=True)
class Finding:
    """Something about these tables (none: the whole account). `known` is False for a fact that could not be read."""

    tables: tuple[str, ...]
    text: str
    known: bool = True


def findings(schema: Schema, settings: Settings, world: World) -> tuple[Finding, ...]:
    """What is to be said of each live table, in the schema's order; then what is not known."""
    found: list[Finding] = []
    for table in schema:
        live = world.live.get(table.name)
        if live is not None:
            attached = world.surroundings.of(table.name)
            said = _about(table, live, attached, settings, world)
            found += [Finding((table.name,), text) for text in said]
    found += [Finding((), text) for text in _against_limits(schema, settings, world)]
    return (*found, *not_known(world))


def rollback_days(settings: Settings) -> int:
    """How many days back point-in-time recovery has to reach, so that a table can still be restored to a time before
    its migration when the old index goes: the stack's own waiting times, and a day for people."""
    minutes = settings.late_writers.minutes + settings.quiet_minutes + settings.brown_out_minutes
    return math.ceil(minutes / MINUTES_A_DAY) + 1


def _about(table: Table, live: LiveTable, attached: Attached, settings: Settings, world: World) -> Iterator[str]:
    to_fill = bool(table.backfilled) and not backfill_proven(table, world.proofs)
    yield from _stream(live, attached, settings)
    yield from _readers(live, attached, to_fill=to_fill)
    needed = rollback_days(settings)
    if live.recovery_days is not None and live.recovery_days < needed:
        yield (
            f"its point-in-time recovery reaches back {live.recovery_days} days, and a rollback to a time before the "
            f"migration may need {needed}; the backup that a run makes is kept"
        )
    for index in live.local_indexes:
        yield f"local index {index.name} stays as it is; items of one partition key may hold 10 GB at most"
    for name, most in _maxima(live):
        yield f"{name} takes at most {most} write units a second on demand, and so does a backfill"
    if live.most_reads is not None:
        yield f"the table gives at most {live.most_reads} read units a second on demand, and so does a scan"
    if not isinstance(attached.scaling, Unknown):
        yield from _scaling(table, attached.scaling)
    if isinstance(attached.policy, str):
        yield "its resource policy stays as it is; a brown-out adds one statement to it and takes it out again"
    if not isinstance(attached.insights, Unknown) and attached.insights and to_fill:
        where = ", ".join("the table" if name == TABLE else name for name in attached.insights)
        yield f"contributor insights are on ({where}): AWS charges each write of the backfill as an event"


def _stream(live: LiveTable, attached: Attached, settings: Settings) -> Iterator[str]:
    if live.stream in {None, STREAM_VIEW_TYPE}:
        return
    if live.name in settings.keep_stream:
        yield f"its stream stays {live.stream}, as keepStream says; what needs both images cannot use it"
    elif live.name in settings.replace_streams:
        readers = attached.consumers
        moving = "" if isinstance(readers, Unknown) or not readers else f"; move {', '.join(readers)} to it"
        yield f"its stream {live.stream} is replaced, as replaceStreams says, by one with another ARN{moving}"


def _readers(live: LiveTable, attached: Attached, *, to_fill: bool) -> Iterator[str]:
    for what, readers in (("read by", attached.consumers), ("sent to", attached.kinesis)):
        if isinstance(readers, Unknown) or not readers:
            continue
        named = f"its changes are {what} {', '.join(readers)}"
        if to_fill:
            records = f"a backfill makes one MODIFY record for each item that it fills, of about {live.item_count:,}"
            yield f"{named}: {records}"
        else:
            yield named


def _maxima(live: LiveTable) -> Iterator[tuple[str, int]]:
    if live.most_writes is not None:
        yield "the table", live.most_writes
    for name, index in sorted(live.indexes.items()):
        if index.most_writes is not None:
            yield f"index {name}", index.most_writes


def _scaling(table: Table, scaling: Iterable[Scaling]) -> Iterator[str]:
    going = {retired.name for retired in table.retired}
    for one in scaling:
        where = "the table's" if one.index == TABLE else f"index {one.index}'s"
        target = "" if one.target is None or isinstance(one.target, Unknown) else f" at {one.target:g} % use"
        yield f"{where} {one.what} capacity scales by itself from {one.least} to {one.most} units{target}"
    left = sorted({one.index for one in scaling} & going)
    if left:
        yield f"the scaling of {', '.join(left)} is left behind once the index is removed; deregister it by hand"
    if any(one.index == TABLE for one in scaling) and any(not index.existing for index in table.indexes):
        yield "new indexes get a fixed capacity, and do not scale with the table"


def _against_limits(schema: Schema, settings: Settings, world: World) -> Iterator[str]:
    """What AWS will refuse for the account's limits, as far as this stack's own tables tell."""
    limits = world.surroundings.limits
    if isinstance(limits, Unknown):
        return
    planned = 0
    for table in schema:
        live = world.live.get(table.name)
        writes = _write_units(table, live, settings)
        planned += writes
        if live is None and writes > limits.table_write:
            yield f"{table.name} and its indexes want {writes} write units; AWS allows a new table {limits.table_write}"
    if planned > limits.account_write:
        yield _too_much(planned, limits)


def _too_much(planned: int, limits: Limits) -> str:
    return (
        f"the tables and their indexes, while they are built, want {planned} write units; "
        f"AWS allows the account {limits.account_write} in this region"
    )


def _write_units(table: Table, live: LiveTable | None, settings: Settings) -> int:
    """Provisioned write units of the table and its indexes, with those that are still to be built."""
    if live is None:
        capacities = [table.throughput, *(index.throughput for index in table.indexes)]
    else:
        capacities = [live.throughput, *(index.index.throughput for index in live.indexes.values())]
        capacities += [
            building_throughput(live, index.throughput, settings.building_write_units.get(table.ref(index)))
            for index in table.indexes
            if index.throughput is not None and live.throughput is not None and not will_be_live(live, index.name)
        ]
    return sum(capacity.write for capacity in capacities if capacity is not None)


def not_known(world: World) -> Iterator[Finding]:
    """Each fact that could not be read, once for all tables of which that is so for the same reason."""
    unread: dict[tuple[str, str], list[str]] = {}
    for name, live in world.live.items():
        for what in live.unknown:
            unread.setdefault((what, "this endpoint does not tell"), []).append(name)
        attached = world.surroundings.tables.get(name)
        for fact in fields(attached) if attached else ():
            value = getattr(attached, fact.name)
            if isinstance(value, Unknown):
                unread.setdefault((FACTS[fact.name], value.why), []).append(name)
    for (what, why), names in unread.items():
        yield Finding(tuple(names), f"{what}: {why}", known=False)
    limits = world.surroundings.limits
    if world.surroundings.tables and isinstance(limits, Unknown):
        yield Finding((), f"the account's limits: {limits.why}", known=False)
