"""`restore`: a table as it was, in a new table beside the live one. Nothing of the live table is touched."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.context import Context
from migration.session.waiting import idle, wait_for
from migration.steps.step import Step
from migration.steps.tables.source import Source
from stack.ledger.ledger import Facts
from stack.ledger.records import RestoredProof
from stack.world.live import read_table
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class Restore(Step):
    """Restores one table from a backup, or to a point in time, into `<table>-restored`."""

    ACTION = "restore"
    ONLY_LOOKS = True

    table: str
    source: Source

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table,)

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
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
