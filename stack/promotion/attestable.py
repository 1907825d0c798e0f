"""What has to hold of a stack before it is attested: pure claims over what was read of it at one time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schema.model import Schema
from stack.file.settings import Settings
from stack.gates.claims import Claim
from stack.gates.late_writers import read_ready
from stack.ledger.codec import written
from stack.ledger.records import STACK, CheckProof, LoadTestProof, VerifiedProof
from stack.monitoring.alarm_record import AlarmRecord
from stack.promotion.rules import (
    ALARMS,
    BAKE_TIME,
    CHECKS,
    COMMITTED,
    LOAD_TEST,
    NOTHING_LEFT,
    READ_READY,
    VERIFIED,
)
from stack.world.world import OK, World

MIGRATE, CHECK, LOADTEST, STATUS = "./invoke migrate", "./invoke check", "./invoke loadtest", "./invoke status"


@dataclass(frozen=True)
class Seen:
    """A stack as it was seen `at` a time: its world, the names of the steps `left` that would change it, its alarms,
    the full id of the `commit` whose code this is (None: files differ from it, or it is not known), and since when it
    is known under this code (`known_since`; None: since its verification)."""

    at: datetime
    world: World
    left: Collection[str]
    alarms: AlarmRecord
    commit: str | None
    known_since: datetime | None = None


def attestable(schema: Schema, settings: Settings, seen: Seen, clean_hours: float) -> list[Claim]:
    """All that is attested of a stack, in the order in which it is usually met."""
    verified = seen.world.proofs.get(VerifiedProof, STACK)
    since = verified.at if verified is not None and verified.schema == schema.digest else None
    left = ", ".join(sorted(seen.left)) or "the plan is empty"
    told = f"at {written(since)}, {verified.checks} checks" if verified and since else "not verified with this schema"
    return [
        Claim(NOTHING_LEFT, not seen.left, left, MIGRATE),
        Claim(VERIFIED, since is not None, told, MIGRATE),
        _read_ready(schema, seen),
        _committed(seen.commit),
        _checks(settings, seen, since),
        _load_test(seen, since),
        *_alarms(seen, since, clean_hours),
    ]


def clean_since(seen: Seen) -> datetime | None:
    """Since when the stack is verified and known under this code, its alarms are as they are, and none has fired. None:
    not verified."""
    verified = seen.world.proofs.get(VerifiedProof, STACK)
    if verified is None or verified.at is None:
        return None
    known = seen.known_since or verified.at
    return max([verified.at, known, *seen.alarms.fired.values(), *seen.alarms.changed.values()])


def _read_ready(schema: Schema, seen: Seen) -> Claim:
    live = seen.world.live
    ready = [
        read_ready(table, index, live.get(table.name), seen.world.proofs)
        for table in schema
        for index in table.indexes
        if not index.existing
    ]
    shut = [claim for claim in ready if not claim.holds]
    evidence = "; ".join(claim.evidence for claim in shut) or f"{len(ready)} new indexes"
    return Claim(READ_READY, not shut, evidence, shut[0].next if shut else MIGRATE)


def _committed(commit: str | None) -> Claim:
    evidence = commit or "files differ from the commit, or this is no git checkout"
    return Claim(COMMITTED, commit is not None, evidence, "git status")


def _checks(settings: Settings, seen: Seen, since: datetime | None) -> Claim:
    if not settings.checks:
        return Claim(CHECKS, False, "the stack file names no checks", CHECK)
    wrong: list[str] = []
    fine: list[str] = []
    for name in settings.checks:
        proof = seen.world.proofs.get(CheckProof, name)
        if proof is None:
            wrong.append(f"{name} was never run")
        elif proof.exit_code != 0:
            wrong.append(f"{name} failed with exit code {proof.exit_code} at {written(proof.ended)}")
        elif since is None or proof.began < since:
            wrong.append(f"{name} ran at {written(proof.began)}, before the last change was verified")
        elif seen.commit is not None and proof.commit != seen.commit:
            wrong.append(f"{name} checked {proof.commit or 'an unknown commit'}, and this is {seen.commit}")
        else:
            fine.append(f"{name} at {written(proof.ended)}")
    return Claim(CHECKS, not wrong, "; ".join(wrong or fine), CHECK)


def _load_test(seen: Seen, since: datetime | None) -> Claim:
    proof = seen.world.proofs.get(LoadTestProof, STACK)
    if proof is None:
        return Claim(LOAD_TEST, False, "there was none", LOADTEST)
    told = f"{proof.requests:,} requests, {proof.errors:,} errors, p99 {proof.p99_ms:g} of {proof.limit_ms:g} ms"
    if since is None or proof.began < since:
        told = f"it ran at {written(proof.began)}, before the last change was verified"
        return Claim(LOAD_TEST, False, told, LOADTEST)
    return Claim(LOAD_TEST, proof.passed, f"{told}, at {written(proof.ended)}", LOADTEST)


def _alarms(seen: Seen, since: datetime | None, clean_hours: float) -> Iterator[Claim]:
    record = seen.alarms
    if not record.available:
        yield Claim(ALARMS, False, "the stack file names no CloudWatch and SNS endpoints")
        return
    loud = [f"{alarm.name} is {alarm.state}" for alarm in record.states if alarm.state != OK]
    evidence = "; ".join(loud) or (f"{len(record.states)} alarms" if record.states else "there are no alarms")
    yield Claim(ALARMS, bool(record.states) and not loud, evidence, STATUS)
    clean = clean_since(seen)
    if since is None or clean is None:
        yield Claim(BAKE_TIME, False, "it begins with the verification", MIGRATE)
        return
    yield bake_time(clean, clean_hours, seen.at, _since(record, clean, seen.known_since if clean != since else None))


def bake_time(clean: datetime, hours: float, at: datetime, why: str) -> Claim:
    """Whether nothing went wrong for the bake time, up to `at`. `why` says what made it begin."""
    end = clean + timedelta(hours=hours)
    evidence = f"clean since {written(clean)} ({why}); {hours:g} h"
    return Claim(BAKE_TIME, at >= end, evidence if at >= end else f"{evidence} are over at {written(end)}")


def _since(record: AlarmRecord, clean: datetime, known: datetime | None) -> str:
    if known == clean:
        return "this code is known here"
    for what, times in (("was in ALARM", record.fired), ("was changed", record.changed)):
        names = [name for name, time in sorted(times.items()) if time == clean]
        if names:
            return f"{names[0]} {what}"
    return "verified"
