"""When a retired index may go. Pure rules: each is a claim, with its evidence and what to do if it does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from schema.model import RetiredIndex, Schema, Table
from schema.references import IndexRef, table_of
from stack.file.settings import Approval, Settings
from stack.gates.checked import commit_of_run, is_commit
from stack.gates.claims import Claim
from stack.gates.late_writers import read_ready
from stack.ledger.codec import written
from stack.ledger.proofs import Proofs
from stack.ledger.records import BackfillProof, OwnReadProof, ShadowProof
from stack.ledger.rollback import RolledBackProof
from stack.world.world import ALARM, MISSING, OK, Readings, World

SHADOW_READS_HOLD = timedelta(days=7)
"""How long shadow reads count: what they showed a week ago says little of today's items."""
NO_CLOUDWATCH = "the stack file names no CloudWatch and SNS endpoints"

LOUD = {ALARM, MISSING}
"""States of an alarm that keep a gate shut."""
READ_READY = "replacement read-ready"
SHADOW_READS = "shadow reads equal"
ALARMS = "alarms quiet"
LAST_HOUR_CLEAN = "last hour clean"
METRIC_ALIVE = "read metric alive"
NOBODY_READS = "nobody reads it"
NO_PATTERN = "no access pattern on it"
APPROVED = "approved"
APPLICATION_UPDATED = "application updated"
TESTS_PASSED = "integration tests passed"
MIGRATE = "./invoke migrate"


def backfill_proven(table: Table, proofs: Proofs) -> bool:
    """Whether every attribute that the schema now wants filled was filled."""
    proof = proofs.get(BackfillProof, table.name)
    return proof is not None and set(table.backfilled) <= set(proof.attributes)


def gate(schema: Schema, table: Table, retired: RetiredIndex, settings: Settings, world: World) -> list[Claim]:
    """All conditions for removing `retired`, in the order in which they are usually met."""
    replacement = IndexRef(table.name, retired.replaced_by)
    ready = read_ready(table, table.index(retired.replaced_by), world.live.get(table.name), world.proofs)
    return [
        _no_pattern(schema, retired.ref(table)),
        Claim(READ_READY, ready.holds, ready.evidence, ready.next),
        shadow_reads_equal(world.proofs, replacement, world.readings.at),
        *_approval(retired.ref(table), settings, world.proofs),
        *_alarms(retired.ref(table), world.readings),
        *_reads(retired.ref(table), settings, world),
    ]


def approved(table: Table, retired: RetiredIndex, settings: Settings, proofs: Proofs | None = None) -> bool:
    """Whether the stack file approves the removal: the reviewed part of the gate."""
    approval = settings.approvals.get(retired.ref(table))
    shown = approval is not None and approval.check_run is not None
    claims = _approval(retired.ref(table), settings, proofs or Proofs())
    # What a named run has shown is not in the file: the gate asks the ledger for it.
    return all(claim.holds for claim in claims if not (shown and claim.name == TESTS_PASSED))


def own_reads(proofs: Proofs, ref: IndexRef) -> dict[datetime, float]:
    """The read units of this tool's own reads of an old index, by the start of the minute."""
    proof = proofs.get(OwnReadProof, ref)
    return dict(proof.units) if proof else {}


def others_reads(ref: IndexRef, settings: Settings, world: World) -> dict[datetime, float]:
    """The read units of an old index that were not our own, in the stack's quiet time, by the start of the minute."""
    seen = world.readings.reads.get(ref, {})
    own = _as_counted(own_reads(world.proofs, ref), seen)
    start = world.readings.at - timedelta(minutes=settings.quiet_minutes)
    return {
        minute: units - own.get(minute, 0.0)
        for minute, units in seen.items()
        if minute >= start and units - own.get(minute, 0.0) > 0
    }


def shadow_reads_equal(proofs: Proofs, ref: IndexRef, at: datetime) -> Claim:
    """Whether shadow reads of a new index were equal, and not too long ago."""
    proof = proofs.get(ShadowProof, ref)
    if proof is None or proof.at is None:
        return Claim(SHADOW_READS, False, f"{ref} was not compared with its table yet", MIGRATE)
    if at - proof.at > SHADOW_READS_HOLD:
        old = f"compared at {written(proof.at)}, more than {SHADOW_READS_HOLD.days} days ago"
        return Claim(SHADOW_READS, False, old, MIGRATE)
    return Claim(SHADOW_READS, proof.equal, f"{proof.summary}, at {written(proof.at)}", MIGRATE)


def _no_pattern(schema: Schema, ref: IndexRef) -> Claim:
    reading = [pattern.name for pattern in schema.patterns_on(ref)]
    evidence = f"none of {len(schema.access_patterns)} access patterns reads it"
    return Claim(NO_PATTERN, not reading, f"read by {', '.join(reading)}" if reading else evidence, MIGRATE)


def _approval(ref: IndexRef, settings: Settings, proofs: Proofs) -> list[Claim]:
    approve = f"./invoke approve --table {ref.table} --index {ref.index} --by NAME --application-updated --tests-passed"
    approval = settings.approvals.get(ref)
    if approval is None:
        return [Claim(APPROVED, False, f"the stack file has no approval for {ref}", approve)]
    signed = f"{approval.by}, {written(approval.at)}"
    rolled_back = proofs.get(RolledBackProof, ref)
    if rolled_back is not None and rolled_back.at is not None and approval.at <= rolled_back.at:
        again = f"it was built again at {written(rolled_back.at)} by {rolled_back.by}"
        return [Claim(APPROVED, False, f"{again}; the approval ({signed}) is older", approve)]
    return [
        Claim(APPLICATION_UPDATED, approval.application_updated, signed, approve),
        _tests_passed(approval, settings, proofs, signed, approve),
    ]


def _tests_passed(approval: Approval, settings: Settings, proofs: Proofs, signed: str, approve: str) -> Claim:
    """The typed yes, or what the ledger says of the run that the approval names."""
    run, commit = approval.check_run, approval.commit
    if run is None or commit is None:
        return Claim(TESTS_PASSED, approval.tests_passed, signed, approve)
    again = approve.replace("--tests-passed", "--commit COMMIT --check-run RUN")
    found = commit_of_run(run, settings, proofs)
    if found is None:
        return Claim(TESTS_PASSED, False, f"no check run {run} is known in which all checks passed", again)
    if not is_commit(found, commit):
        return Claim(TESTS_PASSED, False, f"check run {run} was of {found}, and not of commit {commit}", again)
    return Claim(TESTS_PASSED, True, f"check run {run} of commit {found}; {signed}", again)


def _alarms(ref: IndexRef, readings: Readings) -> Iterable[Claim]:
    if not readings.available:
        yield Claim(ALARMS, False, NO_CLOUDWATCH)
        return
    # Those of the table and its indexes, and of the whole account.
    ours = [alarm for alarm in readings.alarms if alarm.subject is None or table_of(alarm.subject) == ref.table]
    # In the `up` that removes the index, its own alarms may go first.
    loud = [
        f"{alarm.name} is {alarm.state}"
        for alarm in ours
        if alarm.state in LOUD and (alarm.subject, alarm.state) != (ref, MISSING)
    ]
    silent = sum(alarm.state not in {OK, *LOUD} for alarm in ours)
    evidence = f"{len(ours)} alarms, all OK" if ours else "there are no alarms"
    if silent:
        # DynamoDB's metrics exist only while they are not zero.
        evidence = f"{len(ours)} alarms: {len(ours) - silent} OK, {silent} without data yet"
    yield Claim(ALARMS, bool(ours) and not loud, "; ".join(loud) or evidence, MIGRATE)
    wrong = [f"{count:,.0f} {what}" for what, count in readings.disturbances.get(ref.table, {}).items()]
    clean = "; ".join(wrong) or "no throttled request and no system error"
    yield Claim(LAST_HOUR_CLEAN, not wrong, clean, MIGRATE)


def _reads(ref: IndexRef, settings: Settings, world: World) -> Iterable[Claim]:
    if not world.readings.available:
        yield Claim(METRIC_ALIVE, False, NO_CLOUDWATCH)
        return
    seen = world.readings.reads.get(ref, {})
    own = _as_counted(own_reads(world.proofs, ref), seen)
    alive = [minute for minute, units in own.items() if seen.get(minute, 0.0) >= units]
    if alive:
        shown = f"our own read of {written(max(alive))} shows in ConsumedReadCapacityUnits"
        yield Claim(METRIC_ALIVE, True, shown, MIGRATE)
    else:
        since = f"our own read of {written(max(own))} does not show" if own else "we have not read it yet"
        yield Claim(METRIC_ALIVE, False, f"{since}, so a zero proves nothing", MIGRATE)
    others = others_reads(ref, settings, world)
    if others:
        evidence = f"{sum(others.values()):,.1f} read units by others, last at {written(max(others))}"
    else:
        evidence = f"no read units but our own in {_span(settings.quiet_minutes)}"
    yield Claim(NOBODY_READS, not others, evidence, MIGRATE)


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
