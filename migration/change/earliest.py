"""When a condition that does not hold yet can hold at the earliest, from readings and settings alone. Pure.

Each time is a lower bound: nothing may happen meanwhile that begins the wait anew. What a person or a step of a run
has to do has no time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from migration.change.document import Condition, IndexGate, Needs, NewIndex
from schema.model import Index, RetiredIndex, Schema, Table
from stack.file.settings import Settings
from stack.gates.claims import Claim
from stack.gates.gate import (
    ALARMS,
    APPLICATION_UPDATED,
    APPROVED,
    LAST_HOUR_CLEAN,
    METRIC_ALIVE,
    NO_CLOUDWATCH,
    NO_PATTERN,
    NOBODY_READS,
    READ_READY,
    SHADOW_READS,
    TESTS_PASSED,
    approved,
    gate,
    others_reads,
)
from stack.gates.late_writers import earliest, is_gap, meets_late_writers, read_ready
from stack.ledger.codec import written
from stack.ledger.records import LateWritersProof
from stack.world.world import World

_NEEDS: dict[str, Needs] = {
    NO_PATTERN: "person",
    SHADOW_READS: "run",
    APPROVED: "person",
    APPLICATION_UPDATED: "person",
    TESTS_PASSED: "person",
    ALARMS: "nothing known",
    LAST_HOUR_CLEAN: "time",
    METRIC_ALIVE: "run",
    NOBODY_READS: "time",
}


def gates_of(schema: Schema, settings: Settings, world: World) -> Iterable[IndexGate]:
    """The gate of each retired index that is live, claim by claim."""
    for table in schema:
        for retired in table.retired:
            if world.live_index(retired.ref(table)) is not None:
                yield _gate(schema, table, retired, settings, world)


def new_indexes_of(schema: Schema, settings: Settings, world: World) -> Iterable[NewIndex]:
    """The indexes that the migration adds to live tables."""
    for table in schema:
        live = world.live.get(table.name)
        for index in table.indexes if live is not None and table.existing else ():
            if index.existing:
                continue
            ready = read_ready(table, index, live, world.proofs)
            ref = table.ref(index)
            at, needs = _readiness(table, index, settings, world)
            yield NewIndex(
                index=str(ref),
                live=world.live_index(ref) is not None,
                read_ready=_condition(ready, None if ready.holds else at, needs),
            )


def _gate(schema: Schema, table: Table, retired: RetiredIndex, settings: Settings, world: World) -> IndexGate:
    claims = gate(schema, table, retired, settings, world)
    conditions = tuple(_of_claim(claim, table, retired, settings, world) for claim in claims)
    times = [each.earliest_at for each in conditions if each.earliest_at is not None]
    return IndexGate(
        index=str(retired.ref(table)),
        replaced_by=str(table.ref(table.index(retired.replaced_by))),
        open=all(claim.holds for claim in claims),
        approved=approved(table, retired, settings, world.proofs),
        # All of one form and in UTC, so the latest is the greatest text.
        earliest_at=max(times, default=None),
        conditions=conditions,
    )


def _of_claim(claim: Claim, table: Table, retired: RetiredIndex, settings: Settings, world: World) -> Condition:
    if claim.holds or claim.evidence == NO_CLOUDWATCH:
        return _condition(claim, None, "person")
    if claim.name == READ_READY:
        return _condition(claim, *_readiness(table, table.index(retired.replaced_by), settings, world))
    at = None
    if claim.name == NOBODY_READS:
        # The last read by others has to be older than the quiet time.
        last = max(others_reads(retired.ref(table), settings, world))
        at = last + timedelta(minutes=settings.quiet_minutes)
    return _condition(claim, at, _NEEDS.get(claim.name, "nothing known"))


def _readiness(table: Table, index: Index, settings: Settings, world: World) -> tuple[datetime | None, Needs]:
    """When the index can be read-ready at the earliest, and what that needs. An index that no late writer can harm
    needs a run alone; so does one whose window is over, for the next scan has to find what is still missing."""
    if not meets_late_writers(table, index) or not settings.late_writers.minutes:
        return None, "run"
    now, record = world.readings.at, world.proofs.get(LateWritersProof, table.name)
    if record is None or is_gap(record, now, settings.late_writers):
        # The window begins with the next scan, which cannot be before now.
        return now + timedelta(minutes=settings.late_writers.minutes), "run"
    at = earliest(record, settings.late_writers)
    return (at, "time") if at > now else (None, "run")


def _condition(claim: Claim, at: datetime | None, needs: Needs) -> Condition:
    return Condition(
        name=claim.name,
        holds=claim.holds,
        evidence=claim.evidence,
        needs=None if claim.holds else needs,
        earliest_at=None if at is None else written(at),
        next="" if claim.holds else claim.next,
    )
