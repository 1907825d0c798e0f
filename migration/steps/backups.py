"""On-demand backups of tables."""

from __future__ import annotations

import time

from migration.session.context import Context
from migration.session.waiting import pause_here
from schema.errors import VerificationFailed
from stack.ledger.ledger import Facts

BACKUP_MINUTES = 60
"""How long an on-demand backup may take until it is AVAILABLE; AWS needs seconds, whatever the size."""


def backed_up(context: Context, name: str, backup_name: str, arn: str | None = None) -> Facts:
    """Backs a table up (its name in the schema), or waits for the backup `arn` that was asked for before, until it is
    AVAILABLE. Returns its `arn`, `name` and size in `bytes`. Raises VerificationFailed."""
    if arn is None:
        physical = context.config.physical_name(name)
        arn = context.client.create_backup(TableName=physical, BackupName=backup_name)["BackupDetails"]["BackupArn"]
    deadline = time.monotonic() + BACKUP_MINUTES * 60
    while True:
        details = context.client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
        if details["BackupStatus"] == "AVAILABLE":
            return {"arn": arn, "bytes": int(details.get("BackupSizeBytes", 0)), "name": backup_name}
        if time.monotonic() > deadline or details["BackupStatus"] == "DELETED":
            raise VerificationFailed(
                f"Backup {backup_name} is {details['BackupStatus']}.",
                f"It was to be AVAILABLE within {BACKUP_MINUTES} minutes. Nothing was changed.",
                f"Run: ./invoke migrate --stack {context.config.stack}",
            )
        context.observer.progress(0, 0, details["BackupStatus"])
        pause_here(context)
