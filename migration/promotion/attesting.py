"""Attesting a stack: what was seen of it is judged, kept in its ledger, and written into a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from migration.promotion.candidate import known_since
from migration.run.runner import plan_of
from migration.session.context import Context
from schema.clock import at_present
from schema.errors import Refused, UsageError
from stack.gates.checked import passed_runs
from stack.ledger.codec import now, written
from stack.ledger.records import STACK, AttestationProof, VerifiedProof, sort_key
from stack.monitoring.alarm_record import read_alarm_record
from stack.promotion.attestable import Seen, attestable, clean_since
from stack.promotion.attestation import digest_of, message_of, text_of
from stack.promotion.code import clean_commit, code_digest, lock_digest
from stack.promotion.requiring import overridings, record_overrides
from stack.promotion.rules import Judged, judged
from stack.promotion.signing import sign
from stack.promotion.source import promoting_from
from stack.world.world import World

USUAL_HOURS = 24.0
"""The bake time where no stack file beside this one's asks for another (R9)."""


@dataclass(frozen=True)
class Attested:
    """What was judged; where all of it holds the `attestation`, and of a file its digest and whether it is signed."""

    judged: Judged
    attestation: AttestationProof | None = None
    file: str = ""
    digest: str = ""
    signed: bool = False


def attest(context: Context, out: Path | None = None) -> Attested:
    """Attests the stack, if all holds that has to; then the ledger says so, and the file `out`. Raises ToolError."""
    context.ledger.lease.refuse_if_held()
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    context.ledger.refuse_older_code(world.proofs)
    hours, key = _wanted(context)
    code, run = code_digest(context.config.checkout), _run_of(context, sort_key(VerifiedProof, STACK))
    seen = _seen(context, world, code, run)
    found = judged(attestable(context.schema, context.config.settings, seen, hours), overridings(context.config))
    verified = world.proofs.get(VerifiedProof, STACK)
    clean = clean_since(seen)
    if found.failing or verified is None or verified.at is None or clean is None:
        return Attested(found)
    attestation = AttestationProof(
        subject=STACK,
        stack=context.config.name,
        account=context.config.settings.account,
        code=code,
        schema=context.schema.digest,
        lock=lock_digest(),
        commit=str(seen.commit),
        verified=verified.at,
        verified_by=run,
        clean_since=clean,
        attested=now(),
        by=context.ledger.author.by,
        check_runs=passed_runs(context.config.settings, world.proofs),
        overridden={rule: f"{override.by}: {override.reason}" for rule, (override, _) in found.used.items()},
    )
    signature = sign(context.config, key, message_of(attestation)) if key and out is not None else None
    _refuse_if_changed(context, verified)
    context.ledger.note_version()
    record_overrides(context.ledger, found)
    context.ledger.prove(attestation)
    noted = {"commit": attestation.commit, "code": attestation.code, "clean_since": written(clean)}
    context.history.note("attest", {f"attested_{name}": value for name, value in noted.items()})
    if out is None:
        return Attested(found, attestation)
    text = text_of(attestation, signature).encode()
    _write(out, text)
    return Attested(found, attestation, str(out), digest_of(text), signature is not None)


def _refuse_if_changed(context: Context, verified: VerifiedProof) -> None:
    """To look at all alarms takes a while: raises Refused where a run has begun, or has ended, since then."""
    context.ledger.lease.refuse_if_held()
    newest = context.ledger.proof(VerifiedProof, STACK)
    if newest is None or newest.at != verified.at:
        raise Refused(
            f"Stack {context.config.stack} was changed while it was looked at.",
            "So what was seen of it says nothing of what it is now. It is not attested.",
            context.command("attest"),
        )


def _seen(context: Context, world: World, code: str, run: str) -> Seen:
    """The stack with this `code` (its digest), which was verified by that `run`."""
    left = [step.name for step in plan_of(context, world).steps if not step.ONLY_LOOKS]
    verified = world.proofs.get(VerifiedProof, STACK)
    since: datetime = verified.at if verified is not None and verified.at is not None else at_present()
    alarms = read_alarm_record(context.cloudwatch, context.config, context.schema, world, since)
    known = known_since(context, verified, run, code)
    return Seen(at_present(), world, left, alarms, clean_commit(context.config.checkout), known)


def _wanted(context: Context) -> tuple[float, str | None]:
    """The longest bake time that a stack wants which promotes from this one, and the key that signs for it. Raises
    UsageError for two keys."""
    wanted = dict(promoting_from(context.config, context.schema))
    hours = max((each.clean_hours for each in wanted.values()), default=USUAL_HOURS)
    keys = {each.kms_key: stack for stack, each in wanted.items() if each.kms_key}
    if len(keys) > 1:
        setting = context.config.setting("promotesFrom")
        raise UsageError(
            f"Stacks {' and '.join(sorted(keys.values()))} name different keys in {setting}.kmsKey.",
            "One attestation is signed by one key.",
            "Name the same key in all of them.",
        )
    return hours, next(iter(keys), None)


def _run_of(context: Context, proof: str) -> str:
    """The id of the run that wrote a proof."""
    return str((context.ledger.get("PROOF", proof) or {}).get("run", ""))


def _write(out: Path, text: bytes) -> None:
    try:
        out.write_bytes(text)
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written.",
            f"{error}. The stack is attested in its own ledger.",
            "Repeat it with a file that can be written.",
        ) from None
