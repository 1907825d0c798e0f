"""`backup`: an on-demand backup of one table, AVAILABLE before anything is changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from migration.session.context import Context
from migration.session.waiting import pause_here
from migration.steps.step import Step
from schema.errors import VerificationFailed
from schema.model import Schema
from stack.ledger.ledger import Facts
from stack.ledger.records import BackupProof
from stack.ledger.table import READY_MINUTES, is_too_early
from stack.world.world import World

BACKUP_MINUTES = 60
"""How long a backup may take until it is AVAILABLE; AWS needs seconds, whatever the size."""


@dataclass(frozen=True, kw_only=True)
class Backup(Step):
    """Backs one table up, or goes on with the backup that a killed run has asked for. `before` is what follows it, and
    stands in the backup's name: a migration or a rollback."""

    ACTION = "backup"

    table: str
    schema: Schema = field(repr=False)
    before: str = "migration"

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table,)

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises VerificationFailed."""
        physical = context.config.physical_name(self.table)
        name = f"{physical}-pre-{self.before}-{datetime.fromisoformat(context.clock()):%Y%m%d}"
        # Before a table is removed only a new backup will do: an earlier one lacks what was written since.
        arn = self._unproven(context, world, name) if self.before == "migration" else None
        if arn is None:
            arn = _asked(context, physical, name)
        size = _available(context, name, arn)
        id, digest = world.live[self.table].id, self.schema.digest
        context.ledger.prove(
            BackupProof(subject=self.table, table_id=id, schema=digest, arn=arn, name=name, bytes=size)
        )
        return {"arn": arn, "name": name, "bytes": size, "schema": digest}

    def effect(self, world: World) -> World:
        return world.with_proof(BackupProof(subject=self.table, schema=self.schema.digest))

    def told(self, facts: Facts) -> str:
        return f"{facts['name']}, {facts['bytes']:,} bytes"

    def _unproven(self, context: Context, world: World, name: str) -> str | None:
        """The backup of that table that a killed run asked for and did not come to prove: as good as a new one."""
        table, proof = world.live[self.table], world.proofs.get(BackupProof, self.table)
        proven = proof.at if proof and proof.at else datetime.min.replace(tzinfo=UTC)
        physical = context.config.physical_name(self.table)
        for page in context.client.get_paginator("list_backups").paginate(TableName=physical):
            for backup in page["BackupSummaries"]:
                same = backup["BackupName"] == name and backup.get("TableId", table.id) == table.id
                if same and backup["BackupStatus"] != "DELETED" and backup["BackupCreationDateTime"] > proven:
                    return backup["BackupArn"]
        return None


def _asked(context: Context, physical: str, name: str) -> str:
    """Asks for a backup, for a while also of a table that is too new for it. Returns its ARN."""
    deadline = time.monotonic() + READY_MINUTES * 60
    while True:
        try:
            return context.client.create_backup(TableName=physical, BackupName=name)["BackupDetails"]["BackupArn"]
        except ClientError as error:
            if not is_too_early(error) or time.monotonic() > deadline:
                raise
        context.reporter.progress(0, 0, "AWS cannot back this table up yet")
        pause_here(context)


def _available(context: Context, name: str, arn: str) -> int:
    """Waits until the backup is AVAILABLE. Returns its size in bytes."""
    deadline = time.monotonic() + BACKUP_MINUTES * 60
    while True:
        details = context.client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
        if details["BackupStatus"] == "AVAILABLE":
            return int(details.get("BackupSizeBytes", 0))
        if time.monotonic() > deadline or details["BackupStatus"] == "DELETED":
            raise VerificationFailed(
                f"Backup {name} is {details['BackupStatus']}.",
                f"It was to be AVAILABLE within {BACKUP_MINUTES} minutes. Nothing was changed.",
                context.command("migrate"),
            )
        context.reporter.progress(0, 0, details["BackupStatus"])
        pause_here(context)
