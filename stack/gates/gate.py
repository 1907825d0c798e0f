"""When a retired index may go. Pure rules: each returns what still stands against it, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from schema.model import RetiredIndex, Schema, Table
from stack.file.settings import Settings
from stack.gates.claims import Claim
from stack.gates.late_writers import read_ready
from stack.ledger.ledger import Proofs, written
from stack.world.managed import index_resource
from stack.world.readings import ALARM, MISSING, OK, AlarmState, Observed
from stack.world.world import World

SHADOW_READS_HOLD = timedelta(days=7)
"""How long shadow reads count: what they showed a week ago says little of today's items."""
NO_CLOUDWATCH = "the stack file names no CloudWatch and SNS endpoints"

LOUD = {ALARM, MISSING}
"""States of an alarm that keep a gate shut."""
READ_READY = "replacement read-ready"
SHADOW_READS = "shadow reads equal"
ALARMS = "alarms quiet"
LAST_HOUR = "last hour clean"
METRIC_ALIVE = "read metric alive"
NOBODY_READS = "nobody reads it"
NO_PATTERN = "no access pattern on it"
APPROVED = "approved"


def backfill_proven(table: Table, proofs: Proofs) -> bool:
    """Whether every attribute that the schema now wants filled was filled."""
    proof = proofs.of("backfill", table.name)
    return proof is not None and set(table.backfilled) <= set(proof["attributes"])


def gate(schema: Schema, table: Table, retired: RetiredIndex, settings: Settings, world: World) -> list[Claim]:
    """All conditions for removing `retired`, in the order in which they are usually met."""
    return [
        _no_pattern(schema, table, retired),
        _replacement(table, retired, world),
        _shadow_reads(table, retired, world),
        *_approval(table, retired, settings, world.proofs),
        *_alarms(table, retired, world.observed),
        *_reads(table, retired, settings, world),
    ]


def approved(table: Table, retired: RetiredIndex, settings: Settings, proofs: Proofs | None = None) -> bool:
    """Whether the stack file approves the removal: the reviewed part of the gate."""
    return all(condition.holds for condition in _approval(table, retired, settings, proofs or Proofs({})))


def own_reads(proofs: Proofs, resource: str) -> dict[datetime, float]:
    """The read units of our own reads of an old index, by the start of the minute."""
    proof = proofs.of("own-read", resource) or {}
    return {datetime.fromisoformat(minute): float(units) for minute, units in proof.get("units", {}).items()}


def shadow_reads_hold(proofs: Proofs, resource: str, at: datetime) -> bool:
    """Whether shadow reads of a new index were equal, and not too long ago."""
    return _shadow_evidence(proofs, resource, at).holds


def _no_pattern(schema: Schema, table: Table, retired: RetiredIndex) -> Claim:
    reading = [
        pattern.name
        for pattern in schema.access_patterns
        if (pattern.table, pattern.index) == (table.name, retired.name)
    ]
    evidence = f"none of {len(schema.access_patterns)} access patterns reads it"
    return Claim(NO_PATTERN, not reading, f"read by {', '.join(reading)}" if reading else evidence)


def _replacement(table: Table, retired: RetiredIndex, world: World) -> Claim:
    ready, evidence = read_ready(table, table.index(retired.replaced_by), world.live.get(table.name), world.proofs)
    return Claim(READ_READY, ready, evidence, "./invoke late-writers")


def _shadow_reads(table: Table, retired: RetiredIndex, world: World) -> Claim:
    return _shadow_evidence(world.proofs, index_resource(table.name, retired.replaced_by), world.observed.at)


def _shadow_evidence(proofs: Proofs, resource: str, at: datetime) -> Claim:
    proof = proofs.of("shadow", resource)
    if proof is None:
        return Claim(SHADOW_READS, False, f"{resource} was not compared with its table yet")
    if at - datetime.fromisoformat(str(proof["at"])) > SHADOW_READS_HOLD:
        return Claim(SHADOW_READS, False, f"compared at {proof['at']}, more than {SHADOW_READS_HOLD.days} days ago")
    return Claim(SHADOW_READS, bool(proof["equal"]), f"{proof['summary']}, at {proof['at']}")


def _approval(table: Table, retired: RetiredIndex, settings: Settings, proofs: Proofs) -> list[Claim]:
    name = index_resource(table.name, retired.name)
    approve = (
        f"./invoke approve --table {table.name} --index {retired.name} --by NAME --application-updated --tests-passed"
    )
    approval = settings.approvals.get(name)
    if approval is None:
        return [Claim(APPROVED, False, f"the stack file has no approval for {name}", approve)]
    signed = f"{approval.by}, {written(approval.at)}"
    rolled_back = proofs.of("rolled-back", name)
    if rolled_back is not None and approval.at <= datetime.fromisoformat(str(rolled_back["at"])):
        again = f"it was built again at {rolled_back['at']} by {rolled_back['by']}; the approval ({signed}) is older"
        return [Claim(APPROVED, False, again, approve)]
    return [
        Claim("application updated", approval.application_updated, signed, approve),
        Claim("integration tests passed", approval.tests_passed, signed, approve),
    ]


def _alarms(table: Table, retired: RetiredIndex, observed: Observed) -> Iterable[Claim]:
    if not observed.available:
        yield Claim(ALARMS, False, NO_CLOUDWATCH)
        return
    ours = [
        alarm for alarm in observed.alarms if alarm.subject is None or alarm.subject.partition("/")[0] == table.name
    ]
    # In the `up` that removes the index, its own alarms may go first.
    going = (index_resource(table.name, retired.name), MISSING)
    loud = [f"{alarm.name} is {alarm.state}" for alarm in ours if alarm.state in LOUD and _key(alarm) != going]
    silent = sum(alarm.state not in {OK, *LOUD} for alarm in ours)
    evidence = f"{len(ours)} alarms, all OK" if ours else "there are no alarms"
    if silent:
        # DynamoDB's metrics exist only while they are not zero.
        evidence = f"{len(ours)} alarms: {len(ours) - silent} OK, {silent} have nothing to tell yet"
    yield Claim(ALARMS, bool(ours) and not loud, "; ".join(loud) or evidence)
    wrong = [f"{count:,.0f} {what}" for what, count in observed.disturbances.get(table.name, {}).items()]
    yield Claim(LAST_HOUR, not wrong, "; ".join(wrong) or "no throttled request and no system error")


def _key(alarm: AlarmState) -> tuple[str | None, str]:
    return alarm.subject, alarm.state


def alarms_only_missing(table: Table, observed: Observed) -> bool:
    """Whether no alarm of the table is loud, and those that are not OK are not declared yet."""
    return all(
        alarm.state != ALARM
        for alarm in observed.alarms
        if alarm.subject is None or alarm.subject.partition("/")[0] == table.name
    )


def _reads(table: Table, retired: RetiredIndex, settings: Settings, world: World) -> Iterable[Claim]:
    resource = index_resource(table.name, retired.name)
    if not world.observed.available:
        yield Claim(METRIC_ALIVE, False, NO_CLOUDWATCH)
        return
    seen = world.observed.reads.get(resource, {})
    own = _as_counted(own_reads(world.proofs, resource), seen)
    alive = [minute for minute, units in own.items() if seen.get(minute, 0.0) >= units]
    if alive:
        yield Claim(METRIC_ALIVE, True, f"our own read of {written(max(alive))} shows in ConsumedReadCapacityUnits")
    else:
        since = f"our own read of {written(max(own))} does not show" if own else "we have not read it ourselves yet"
        yield Claim(METRIC_ALIVE, False, f"{since}, so that a zero says nothing")
    start = world.observed.at - timedelta(minutes=settings.quiet_minutes)
    others = {
        minute: units - own.get(minute, 0.0)
        for minute, units in seen.items()
        if minute >= start and units - own.get(minute, 0.0) > 0
    }
    if others:
        evidence = f"{sum(others.values()):,.1f} read units by others, last at {written(max(others))}"
    else:
        evidence = f"no read units but our own in {_span(settings.quiet_minutes)}"
    yield Claim(NOBODY_READS, not others, evidence)


def _as_counted(own: Mapping[datetime, float], seen: Mapping[datetime, float]) -> dict[datetime, float]:
    """Our own reads by the minute to which CloudWatch counts them, which may be the one after that of the read."""
    counted: dict[datetime, float] = {}
    for minute, units in own.items():
        later = minute + timedelta(minutes=1)
        delayed = seen.get(minute, 0.0) < units <= seen.get(later, 0.0)
        counted[later if delayed else minute] = counted.get(later if delayed else minute, 0.0) + units
    return counted


def _span(minutes: float) -> str:
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"
