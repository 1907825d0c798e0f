"""The last part of a plan: when readers may use the new indexes, what it costs to find that out, and
when the old ones may go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import ceil

from dynamo.units import EVENTUAL_READ_UNIT
from migration.plan.result import Blocked
from migration.steps.indexes.brown_out import BrownOut
from migration.steps.indexes.read_index import ReadIndex
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.items.late_writers import LateWriters
from migration.steps.items.shadow_read import ShadowRead
from migration.steps.step import Step
from schema.model import Index, RetiredIndex, Schema, Table
from stack.file.settings import LateWriterSettings, Settings
from stack.gates.claims import Claim, failing
from stack.gates.gate import METRIC_ALIVE, SHADOW_READS, approved, gate, shadow_reads_equal
from stack.gates.late_writers import is_verified, meets_late_writers, read_ready
from stack.ledger.records import BrownOutProof, LateWritersProof, ShadowProof
from stack.world.live import LiveTable, will_be_live
from stack.world.world import World

ON_DEMAND_DOLLARS = 0.125
"""What a million read units cost on demand, in us-east-1 (AWS's price list of November 2024); on a provisioned table
they are paid for already."""


@dataclass(frozen=True)
class Cost:
    """What the late-writer scans of a window take: the read units of one scan, the number of scans, and the dollars for
    all of them if the table is on demand."""

    units: float
    scans: int
    dollars: float

    def __str__(self) -> str:
        each = f"a scan takes {self.units:,.0f} read unit{'s' * (self.units != 1)}"
        if self.scans == 1:
            return each
        return f"{each}, {self.scans:,} scans {self.scans * self.units:,.0f} (on demand ${self.dollars:,.2f})"


def cost(live: LiveTable, settings: LateWriterSettings) -> Cost:
    """What the scans of a table take, by AWS's figure of its size: each reads all of it, eventually consistent."""
    scans = 1 + int(settings.minutes / settings.every_minutes)
    units = float(max(1, ceil(live.size / EVENTUAL_READ_UNIT)))
    return Cost(units, scans, scans * units * ON_DEMAND_DOLLARS / 1e6)


def late_writers(schema: Schema, settings: Settings, world: World) -> Iterator[Step]:
    """A scan for late writers of each table with a verified new index that is not read-ready."""
    for table in schema:
        waiting = [
            index
            for index in _added(table)
            if meets_late_writers(table, index) and is_verified(table, index, world.proofs)
            if not _ready(table, index, world).holds
        ]
        live = world.live.get(table.name)
        if waiting and live is not None:
            record = world.proofs.get(LateWritersProof, table.name)
            why = (record.unready if record else "") or "until no late writer is left"
            scans = cost(live, settings.late_writers)
            yield LateWriters(table=table, settings=settings, why=f"{why}; {scans}")


def shadow_reads(schema: Schema, settings: Settings, world: World) -> Iterator[Step]:
    """Shadow reads of each verified new index until they are equal."""
    for table in schema:
        for index in _added(table) if table.name in world.live else ():
            if is_verified(table, index, world.proofs) and _wants_shadow_reads(table, index, settings, world):
                patterns = [pattern.name for pattern in schema.patterns_on(table.ref(index))]
                why = ", ".join(patterns) or "no access pattern is declared on it"
                yield ShadowRead(table=table, index=index, why=f"answers as its table does: {why}")


def not_read_ready(schema: Schema, world: World, looking: Collection[str]) -> Iterator[Blocked]:
    """New indexes that nobody should read from yet, and at which no step named in `looking` looks."""
    for table in schema:
        scanned = any(name == f"{LateWriters.ACTION} {table.name}" for name in looking)
        for index in _added(table):
            ready, against = _ready(table, index, world), list[Claim]()
            if not ready.holds and not scanned:
                against.append(ready)
            shadow = world.proofs.get(ShadowProof, table.ref(index))
            read = f"{ShadowRead.ACTION} {table.ref(index)}" in looking
            if shadow is not None and not shadow.equal and not read:
                against.append(Claim(SHADOW_READS, False, shadow.summary, "./invoke migrate"))
            if against:
                yield Blocked(table.ref(index), tuple(against), is_new=True)


def removals(schema: Schema, settings: Settings, world: World, looked: Collection[str]) -> Iterator[Step]:
    """What removes the retired indexes that are live and whose gate is open."""
    for table, retired in _still_there(schema, world):
        shut = failing(gate(schema, table, retired, settings, world))
        dead = [claim.name for claim in shut] == [METRIC_ALIVE] and world.readings.available
        read = ReadIndex(table=table, index=retired.index, retired=retired, why="shows that its read metric is alive")
        if dead and read.name not in looked:
            yield read
        if shut:
            continue
        if settings.brown_out_minutes and world.proofs.get(BrownOutProof, retired.ref(table)) is None:
            minutes = settings.brown_out_minutes
            why = f"reads of it are refused for {minutes:g} min, and can be allowed again at once"
            yield BrownOut(table=table, index=retired.index, retired=retired, minutes=minutes, why=why)
        why = f"retired, replaced by {retired.replaced_by}, removal approved"
        yield RemoveIndex(schema=schema, table=table, index=retired.index, retired=retired, why=why)


def still_retired(schema: Schema, settings: Settings, world: World, after: World) -> Iterator[Blocked]:
    """The retired indexes that are live, and will be `after` all steps, with what then still stands against removing
    each: by the evidence of today, where there is some."""
    for table, retired in _still_there(schema, world):
        if retired.name in after.live[table.name].indexes:
            today = {claim.name: claim for claim in failing(gate(schema, table, retired, settings, world))}
            shut = failing(gate(schema, table, retired, settings, after))
            yield Blocked(retired.ref(table), tuple(today.get(claim.name, claim) for claim in shut))


def _still_there(schema: Schema, world: World) -> Iterator[tuple[Table, RetiredIndex]]:
    for table in schema:
        live = world.live.get(table.name)
        for retired in table.retired:
            if live is not None and will_be_live(live, retired.name):
                yield table, retired


def _added(table: Table) -> list[Index]:
    """The indexes that the migration adds to a live table."""
    return [index for index in table.indexes if table.existing and not index.existing]


def _ready(table: Table, index: Index, world: World) -> Claim:
    return read_ready(table, index, world.live.get(table.name), world.proofs)


def _wants_shadow_reads(table: Table, index: Index, settings: Settings, world: World) -> bool:
    """They are wanted once for each new index, and again, when they are long ago, for one whose old index may go."""
    if shadow_reads_equal(world.proofs, table.ref(index), world.readings.at).holds:
        return False
    proof = world.proofs.get(ShadowProof, table.ref(index))
    if proof is None or not proof.equal:
        return True
    live = world.live[table.name]
    return any(
        retired.replaced_by == index.name and retired.name in live.indexes and approved(table, retired, settings)
        for retired in table.retired
    )
