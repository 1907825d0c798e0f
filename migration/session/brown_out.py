"""The brown-out: before an old index goes, reads of it are refused for a while, which can be taken back at once.

    note the policy (ledger) ─▶ deny (by its revision) ─▶ wait, watching alarms ─▶ put it back ─▶ forget the note

Whatever ends it puts the policy back, exactly; after kill -9 the next run does, or `./invoke rollback --brown-out`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dynamo.errors import error_code
from migration.session.context import Context
from migration.session.waiting import pause_here
from schema.clock import at_present
from schema.errors import Refused, Waiting
from schema.references import IndexRef
from stack.aws import translated_errors
from stack.ledger.codec import attributes, decoded, now
from stack.ledger.records import BrownOutNote
from stack.policies import allowing_reads, denies_reads, denying_reads
from stack.world.world import ALARM

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PARTITION = "BROWN-OUT"
NO_POLICY = "NO_POLICY"
"""The revision id that stands for: only if the table has no policy (AWS)."""
CONSISTENT_SECONDS = 60.0
"""After so long a policy reads as it was last written; before that it may read as it was (AWS)."""
TRIES = 5
ALARM_SECONDS = 15.0
"""How often alarms are looked at meanwhile."""


def brown_out(context: Context, table_arn: str, ref: IndexRef, minutes: float) -> None:
    """Refuses reads of one index for so many minutes. Raises Waiting when an alarm fires, or somebody takes it back, in
    that time; Refused when others change the table's policy at that moment."""
    with translated_errors(context.config):
        _deny(context, table_arn, ref)
        try:
            _wait(context, ref, minutes * 60)
        finally:
            # Also on Ctrl-C, a pause, an alarm: nobody is left without the index.
            take_back(context, ref)


def at_work(context: Context) -> list[IndexRef]:
    """The indexes of which reads are refused just now, or were when a run was killed."""
    return [IndexRef.parse(str(record["SK"])) for record in context.ledger.records(PARTITION)]


def take_back_all(context: Context) -> list[IndexRef]:
    """Ends every brown-out: what a killed run left, or what somebody wants to end. Returns the indexes."""
    found = at_work(context)
    for ref in found:
        take_back(context, ref)
    return found


def end_brown_outs(context: Context) -> list[IndexRef]:
    """Lets every index be read again, beside the run that refuses it. Returns the indexes. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    indexes = take_back_all(context)
    if not indexes:
        raise Refused(
            f"No brown-out is on, on stack {context.config.stack}.",
            "So nothing that we have done refuses reads of an index.",
            context.command("status"),
        )
    context.history.note("rollback of a brown-out", {"indexes": [str(ref) for ref in indexes]})
    return indexes


def take_back(context: Context, ref: IndexRef) -> None:
    """Puts the table's policy back as it was before. If others have changed it since, only our statement is taken out.
    Harmless to repeat."""
    item = context.ledger.get(PARTITION, str(ref))
    if item is None:
        return
    note = decoded(BrownOutNote, item, index=ref)
    with translated_errors(context.config):
        ours = note.revision
        if ours is None or _write(context.client, note.table_arn, note.policy, ours) is None:
            _take_out(context, note)
    context.ledger.remove(PARTITION, str(ref))


def _take_out(context: Context, note: BrownOutNote) -> None:
    """Takes our statement out of whatever the policy is now: others have changed it, or a run was killed before it
    could note the revision of its own change."""
    for _ in range(TRIES):
        policy, revision = read_policy(context.client, note.table_arn)
        if not denies_reads(policy, note.index_arn):
            age = (at_present() - note.at).total_seconds()
            if age > CONSISTENT_SECONDS:
                return
            # It may be there, and not be seen yet.
            context.interrupts.requested.wait(CONSISTENT_SECONDS - age)
            continue
        assert policy is not None
        wanted = note.policy if policy == note.denying else allowing_reads(policy, note.index_arn)
        if _write(context.client, note.table_arn, wanted, revision) is not None:
            return
    raise Refused(
        f"The policy of {note.index}'s table could not be put back.",
        "Somebody else keeps changing it.",
        context.command("rollback --brown-out"),
    )


def read_policy(client: DynamoDBClient, table_arn: str) -> tuple[str | None, str]:
    """A table's policy and its revision id; None and NO_POLICY where it has none."""
    try:
        found = client.get_resource_policy(ResourceArn=table_arn)
    except ClientError as error:
        if error_code(error) != "PolicyNotFoundException":
            raise
        return None, NO_POLICY
    return found["Policy"], found["RevisionId"]


def _deny(context: Context, table_arn: str, ref: IndexRef) -> None:
    policy, revision = read_policy(context.client, table_arn)
    index_arn = f"{table_arn}/index/{ref.index}"
    denying = denying_reads(policy, index_arn)
    note = BrownOutNote(index=ref, table_arn=table_arn, index_arn=index_arn, policy=policy, denying=denying, at=now())
    # Before the policy is changed: after a kill in between, the next run finds out by the note.
    context.ledger.put(PARTITION, str(ref), attributes(note))
    ours = _write(context.client, table_arn, denying, revision)
    if ours is not None:
        context.ledger.put(PARTITION, str(ref), attributes(replace(note, revision=ours)))
    else:
        context.ledger.remove(PARTITION, str(ref))
        raise Refused(
            f"The policy of {ref}'s table was changed at this moment.",
            "Somebody else is changing it. Nothing was changed here.",
            context.command("migrate"),
        )


def _write(client: DynamoDBClient, table_arn: str, policy: str | None, revision: str) -> str | None:
    """Sets the policy (None: deletes it) in place of that revision, and of no other. Returns the new revision, None
    where there is another one by now."""
    try:
        if policy is not None:
            answer = client.put_resource_policy(ResourceArn=table_arn, Policy=policy, ExpectedRevisionId=revision)
            return answer["RevisionId"]
        client.delete_resource_policy(ResourceArn=table_arn, ExpectedRevisionId=revision)
    except ClientError as error:
        if error_code(error) != "PolicyNotFoundException":
            raise
        return None
    return NO_POLICY


def _wait(context: Context, ref: IndexRef, seconds: float) -> None:
    """Waits out the time. Raises Waiting when it is cut short."""
    stack = context.config.stack
    began = asked = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        context.reporter.progress(int(passed), int(seconds), f"reads of {ref} are refused")
        if context.ledger.get(PARTITION, str(ref)) is None:
            raise Waiting(
                f"The brown-out of {ref} was taken back.",
                "Somebody needed the index. It was not removed.",
                f"Find out who reads it; then run: ./invoke migrate --stack {stack}",
            )
        if time.monotonic() - asked >= ALARM_SECONDS:
            asked = time.monotonic()
            loud = [alarm.name for alarm in context.read_world().readings.alarms if alarm.state == ALARM]
            if loud:
                raise Waiting(
                    f"The brown-out of {ref} was ended by an alarm.",
                    f"In ALARM: {', '.join(loud)}. Reads of the index are allowed again; it was not removed.",
                    f"Find out why; then run: ./invoke migrate --stack {stack}",
                )
        pause_here(context)
