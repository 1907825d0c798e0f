"""The brown-out: before an old index goes, reads of it are refused for a while, which can be taken back at once.

    note the policy (ledger) ─▶ deny (by its revision) ─▶ wait, watching alarms ─▶ put it back ─▶ forget the note

Whatever ends it puts the policy back, exactly; after kill -9 the next run does, or `./invoke rollback --brown-out`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dynamo.errors import error_code
from migration.session.context import Context
from migration.session.waiting import pause_here
from schema.errors import Refused, Waiting
from stack.aws import translated_errors
from stack.ledger.ledger import Facts, now
from stack.policies import allowing_reads, denies_reads, denying_reads
from stack.world.managed import index_resource
from stack.world.readings import ALARM
from stack.world.world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PARTITION = "BROWN-OUT"
NO_POLICY = "NO_POLICY"
"""The revision id that stands for: only if the table has no policy (AWS)."""
CONSISTENT_SECONDS = 60.0
"""After so long a policy reads as it was last written; before that it may read as it was (AWS)."""
TRIES = 5
WATCH_SECONDS = 15.0
"""How often alarms are looked at meanwhile."""


def brown_out(context: Context, world: World, name: str, index: str) -> Facts:
    """Refuses reads of one index for the stack's brown-out time. Raises Waiting when an alarm fires, or somebody takes
    it back, in that time; Refused when the table's policy is changed by others at that moment."""
    resource, minutes = index_resource(name, index), context.config.settings.brown_out_minutes
    arn = f"{world.live[name].arn}/index/{index}"
    began = now()
    with translated_errors(context.config):
        _deny(context, world.live[name].arn, arn, resource)
        try:
            _wait(context, resource, minutes * 60)
        finally:
            # Also on Ctrl-C, a pause, an alarm: nobody is left without the index.
            take_back(context, resource)
    facts: Facts = {"from": began, "to": now(), "minutes": str(minutes)}
    context.ledger.prove_of("brown-out", resource, world.live[name], facts)
    return facts


def at_work(context: Context) -> list[str]:
    """The indexes of which reads are refused just now, or were when a run was killed."""
    return [str(record["SK"]) for record in context.ledger.records(PARTITION)]


def take_back_all(context: Context) -> list[str]:
    """Ends every brown-out: what a killed run left, or what somebody wants to end. Returns the indexes."""
    found = at_work(context)
    for resource in found:
        take_back(context, resource)
    return found


def end_brown_outs(context: Context) -> list[str]:
    """Lets every index be read again, beside the run that refuses it. Returns the indexes. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    indexes = take_back_all(context)
    if not indexes:
        raise Refused(
            f"No brown-out is on, on stack {context.config.stack}.",
            "So nothing that we have done refuses reads of an index.",
            f"Run: ./invoke status --stack {context.config.stack}",
        )
    context.history.note("rollback of a brown-out", {"indexes": indexes})
    return indexes


def take_back(context: Context, resource: str) -> None:
    """Puts the table's policy back as it was before; if others have changed it since, only our statement is taken out.
    Harmless to repeat."""
    note = context.ledger.get(PARTITION, resource)
    if note is None:
        return
    table, index = str(note["table_arn"]), str(note["index_arn"])
    before = str(note["policy"]) if note["policy"] is not None else None
    with translated_errors(context.config):
        ours = note.get("revision")
        if ours is None or _write(context.client, table, before, str(ours)) is None:
            _take_out(context, note, table, index, before, resource)
    context.ledger.remove(PARTITION, resource)


def _take_out(context: Context, note: Facts, table: str, index: str, before: str | None, resource: str) -> None:
    """Takes our statement out of whatever the policy is now: others have changed it, or a run was killed before it
    could note the revision of its own change."""
    for _ in range(TRIES):
        policy, revision = read_policy(context.client, table)
        if not denies_reads(policy, index):
            age = (datetime.now(UTC) - datetime.fromisoformat(str(note["at"]))).total_seconds()
            if age > CONSISTENT_SECONDS:
                return
            # It may be there, and not be seen yet.
            context.interrupts.requested.wait(CONSISTENT_SECONDS - age)
            continue
        assert policy is not None
        wanted = before if policy == note["denying"] else allowing_reads(policy, index)
        if _write(context.client, table, wanted, revision) is not None:
            return
    raise Refused(
        f"The policy of {resource}'s table could not be put back.",
        "Somebody else keeps changing it.",
        f"Run: ./invoke rollback --brown-out --stack {context.config.stack}",
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


def _deny(context: Context, table_arn: str, index_arn: str, resource: str) -> None:
    policy, revision = read_policy(context.client, table_arn)
    denying = denying_reads(policy, index_arn)
    # Before the policy is changed: killed in between, the next run finds out by the note.
    note = {"table_arn": table_arn, "index_arn": index_arn, "policy": policy, "denying": denying, "at": now()}
    context.ledger.put(PARTITION, resource, note)
    ours = _write(context.client, table_arn, denying, revision)
    if ours is not None:
        context.ledger.put(PARTITION, resource, {**note, "revision": ours})
    else:
        context.ledger.remove(PARTITION, resource)
        raise Refused(
            f"The policy of {resource}'s table was changed at this moment.",
            "Somebody else is at it; nothing was changed.",
            f"Run: ./invoke migrate --stack {context.config.stack}",
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


def _wait(context: Context, resource: str, seconds: float) -> None:
    """Waits out the time. Raises Waiting when it is cut short."""
    stack = context.config.stack
    began = asked = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        context.observer.progress(int(passed), int(seconds), f"reads of {resource} are refused")
        if context.ledger.get(PARTITION, resource) is None:
            raise Waiting(
                f"The brown-out of {resource} was taken back.",
                "Somebody needed the index. It was not removed.",
                f"Find out who reads it; then run: ./invoke migrate --stack {stack}",
            )
        if time.monotonic() - asked >= WATCH_SECONDS:
            asked = time.monotonic()
            loud = [alarm.name for alarm in context.read_world().observed.alarms if alarm.state == ALARM]
            if loud:
                raise Waiting(
                    f"The brown-out of {resource} was ended by an alarm.",
                    f"In ALARM: {', '.join(loud)}. Reads of the index are allowed again; it was not removed.",
                    f"Find out why; then run: ./invoke migrate --stack {stack}",
                )
        pause_here(context)
