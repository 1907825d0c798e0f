"""`restore`: a table as it was, in a new table beside the live one. Nothing of the live table is touched.

It is restored from a backup of it, or to a time that AWS has kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from dynamo.errors import error_code
from migration.session.context import Context
from migration.session.waiting import idle, wait_for
from migration.steps.step import Step
from schema.errors import Refused, UsageError
from stack.ledger.ledger import Facts
from stack.ledger.records import BackupProof
from stack.ledger.rollback import RestoredProof
from stack.world.live import read_table
from stack.world.world import World

LATEST = "latest"
_OURS_OR_AWS = {"SYSTEM", "USER"}
"""Kinds of backup that DynamoDB itself restores; those of the service AWS Backup only that one does."""
_BACKUP_ARN = re.compile(r"arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+/backup/[A-Za-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class OfRestoration(Step):
    """A step about the restoration of one `table` (its name in the schema) from a `source`."""

    ONLY_LOOKS = True

    table: str
    source: Source

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table,)


@dataclass(frozen=True, kw_only=True)
class Restore(OfRestoration):
    """Restores one table from a backup, or to a point in time, into `<table>-restored`."""

    ACTION = "restore"

    def apply(self, context: Context, world: World) -> Facts:
        restored = context.config.physical_name(restored_name(self.table))
        if read_table(context.client, context.config, restored_name(self.table)) is None:
            # Before it is asked for: killed in between, the next rollback knows that it is ours.
            context.ledger.prove(RestoredProof(subject=self.table, source=str(self.source)))
            if self.source.time is None:
                context.client.restore_table_from_backup(TargetTableName=restored, BackupArn=str(self.source.backup))
            else:
                context.client.restore_table_to_point_in_time(
                    SourceTableName=context.config.physical_name(self.table),
                    TargetTableName=restored,
                    RestoreDateTime=self.source.time,
                )
        wait_for(context, restored_name(self.table), idle(context))
        return {"source": str(self.source), "table": restored}

    def effect(self, world: World) -> World:
        """See Step. The restored table is not one of the schema's, so no plan looks at it."""
        return world.with_proof(RestoredProof(subject=self.table, source=str(self.source)))


def restored_name(name: str) -> str:
    """What a table is called when it is restored: a name in the schema's terms."""
    return f"{name}-restored"


@dataclass(frozen=True)
class Source:
    """The ARN of a backup, or a time (UTC)."""

    backup: str | None = None
    time: datetime | None = None

    def __str__(self) -> str:
        return f"backup {self.backup}" if self.time is None else f"{self.time:%Y-%m-%dT%H:%M:%SZ}"


def from_backup(context: Context, name: str, wanted: str) -> Source:
    """The backup of that table (its name in the schema) with this ARN; or LATEST: the one that the ledger has proven,
    else the newest that is AVAILABLE. Raises UsageError for one that is not there, Refused for one of no use."""
    if wanted == LATEST:
        return Source(_latest(context, name))
    details = _described(context, wanted) if _BACKUP_ARN.fullmatch(wanted) else None
    if details is None:
        raise UsageError(
            f"There is no backup {wanted!r}.",
            "A backup is named by its ARN, or is `latest`.",
            f"See: aws dynamodb list-backups --table-name {context.config.physical_name(name)}",
        )
    table, status = details["SourceTableDetails"]["TableName"], details["BackupDetails"]["BackupStatus"]
    if table != context.config.physical_name(name):
        raise UsageError(
            f"That backup is of table {table}.",
            f"Asked for is {context.config.physical_name(name)}.",
            "Correct --table or --from-backup.",
        )
    if status != "AVAILABLE":
        raise Refused(f"That backup is {status}.", "Only one that is AVAILABLE can be restored.", "Wait for it.")
    return Source(wanted)


def at_time(context: Context, name: str, wanted: datetime) -> Source:
    """The source for a restoration to a point in time. Raises Refused for one that AWS has not kept."""
    physical = context.config.physical_name(name)
    if read_table(context.client, context.config, name) is None:
        raise Refused(
            f"Table {name} does not exist.",
            "A table that is gone has no past of its own; AWS keeps a backup of it for 35 days, if it had recovery on.",
            f"Run: ./invoke rollback --table {name} --from-backup latest --stack {context.config.stack}",
        )
    described = context.client.describe_continuous_backups(TableName=physical)["ContinuousBackupsDescription"]
    recovery: Any = described.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise Refused(
            f"Table {name} has no point-in-time recovery.",
            "AWS keeps the past of a table only while that is on.",
            f"Run: ./invoke rollback --table {name} --from-backup latest --stack {context.config.stack}",
        )
    earliest, latest = (
        recovery[f"{which}RestorableDateTime"].astimezone(UTC).replace(microsecond=0)
        for which in ("Earliest", "Latest")
    )
    # AWS counts in whole seconds.
    if not earliest <= wanted.replace(microsecond=0) <= latest:
        raise Refused(
            f"Table {name} cannot be restored to {wanted:%Y-%m-%dT%H:%M:%SZ}.",
            f"AWS has kept it from {earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}.",
            "Give --to-time a time in between.",
        )
    return Source(time=wanted)


def _latest(context: Context, name: str) -> str:
    # By name, not by id: a restored table has another id.
    proof = context.ledger.proof(BackupProof, name)
    if proof is not None:
        proven = _described(context, proof.arn)
        if proven is not None and proven["BackupDetails"]["BackupStatus"] == "AVAILABLE":
            return proof.arn
    newest = max(_available(context, name), default=None)
    if newest is None:
        raise Refused(
            f"There is no backup of table {name}.",
            f"AWS lists none of {context.config.physical_name(name)} that is AVAILABLE.",
            f"Run: ./invoke rollback --table {name} --to-time ... --stack {context.config.stack}",
        )
    return newest[1]


def _available(context: Context, name: str) -> Iterator[tuple[datetime, str]]:
    pages = context.client.get_paginator("list_backups").paginate(
        TableName=context.config.physical_name(name), BackupType="ALL"
    )
    for page in pages:
        for backup in page["BackupSummaries"]:
            if backup["BackupStatus"] == "AVAILABLE" and backup["BackupType"] in _OURS_OR_AWS:
                yield backup["BackupCreationDateTime"], backup["BackupArn"]


def _described(context: Context, arn: str) -> Any:
    try:
        return context.client.describe_backup(BackupArn=arn)["BackupDescription"]
    except ClientError as error:
        if error_code(error) not in {"BackupNotFoundException", "ValidationException"}:
            raise
        return None
