"""Restoring a table beside the live one, as `<table>-restored`, and comparing the two: from a backup, or as it was at
a point in time. Nothing of the live table is touched."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backfills.rates import read_rate
from dynamo.reader import Reader
from dynamo.retry import Retry
from dynamo.throttle import Throttle
from dynamo.units import UNLIMITED, segments_for
from migration.rollback.comparison import TableComparison, compare
from migration.rollback.definitions import Difference, differences
from migration.rollback.sources import Source
from migration.rollback.stages import Proposal, Stage, through
from migration.session.context import Context
from migration.session.reading import stoppable
from migration.session.waiting import settled, wait_for
from migration.steps.step import Action, Step
from schema.errors import Refused
from stack.ledger.ledger import Facts
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveTable, read_table


@dataclass(frozen=True)
class Restored:
    """A table that was restored: the id of the `run` in the history, its physical name, what it was restored `source`,
    how its items compare with the live ones (None: there is no live table), and what its definition lacks."""

    run: str
    table: str
    restored: str
    source: str
    compared: TableComparison | None
    lacks: tuple[Difference, ...]


def restored_name(name: str) -> str:
    """How a table is called when it is restored: a name in the schema's terms."""
    return f"{name}-restored"


def restoration(context: Context, name: str, source: Source) -> Proposal[Restored]:
    """The restoration of one table. `source` is known to be there. Raises Refused."""
    context.refuse_others_tables(context.ledger.proofs())
    restoring = _Restoring(context, name, source)
    there = read_table(context.client, context.config, restored_name(name))
    if there is not None and not restoring.is_unfinished():
        raise Refused(
            f"Table {restoring.restored} is already there.",
            "A table is restored under that name, and never over another one.",
            "Once nobody needs it, delete it: "
            f"aws dynamodb delete-table --table-name {restoring.restored} (docs/rollback.md)",
        )
    live = read_table(context.client, context.config, name)
    when = "in" if source.time is None else "at"
    says = (
        f"Restores table {name} as it was {when} {source}, into {restoring.restored}. The live table stays as it is.",
        "Waits until it is ACTIVE, which takes AWS from minutes to hours, and costs a second table.",
        f"Then compares it with {name}, reading all items of both."
        if live is not None
        else f"There is no live table {name} to compare it with.",
    )
    return Proposal(says, restoring.do)


class _Restoring:
    def __init__(self, context: Context, name: str, source: Source) -> None:
        self._context = context
        self._name = name
        self._source = source
        self._compared: TableComparison | None = None
        self._lacks: tuple[Difference, ...] = ()

    @property
    def restored(self) -> str:
        """The physical name of the restored table."""
        return self._context.config.physical_name(restored_name(self._name))

    def is_unfinished(self) -> bool:
        """Whether a rollback that was broken off has asked for this very restoration."""
        proof = self._context.ledger.proofs().of("restored", self._name)
        return proof is not None and proof["source"] == str(self._source) and "compared" not in proof

    def do(self) -> Restored:
        run = through(self._context, f"table {self._name} to {self._source}", lambda world: self._stages())
        return Restored(run, self._name, self.restored, str(self._source), self._compared, self._lacks)

    def _stages(self) -> Iterable[Stage]:
        yield Step(Action.RESTORE, (self._name,)), self._restore
        yield Step(Action.COMPARE, (self._name,)), self._compare

    def _restore(self) -> Facts:
        context, physical = self._context, self._context.config.physical_name(self._name)
        if read_table(context.client, context.config, restored_name(self._name)) is None:
            # Before it is asked for: killed in between, the next one knows that it is ours.
            context.ledger.prove("restored", self._name, {"source": str(self._source)})
            if self._source.time is None:
                context.client.restore_table_from_backup(
                    TargetTableName=self.restored, BackupArn=str(self._source.backup)
                )
            else:
                context.client.restore_table_to_point_in_time(
                    SourceTableName=physical, TargetTableName=self.restored, RestoreDateTime=self._source.time
                )
        wait_for(context, restored_name(self._name), settled(context))
        return {"source": str(self._source), "table": self.restored}

    def _compare(self) -> Facts:
        context = self._context
        live = read_table(context.client, context.config, self._name)
        restored = read_table(context.client, context.config, restored_name(self._name))
        facts: dict[str, Any] = {"source": str(self._source)}
        if live is not None and restored is not None:
            self._lacks = tuple(differences(context.client, live, restored))
            self._compared = self._items(live, restored)
            facts["compared"] = counted(self._compared)
        else:
            facts["compared"] = {}
        context.ledger.prove("restored", self._name, facts)
        return facts

    def _items(self, live: LiveTable, restored: LiveTable) -> TableComparison:
        context, settings = self._context, self._context.config.settings.backfill
        stop = threading.Event()
        metrics = Metrics(context.cloudwatch, context.config.physical_name(self._name))

        def reader(table: LiveTable, rate: float) -> Reader:
            physical, throttle = context.config.physical_name(table.name), Throttle(rate, stop)
            retry = Retry(physical, stop, throttle.throttled)
            # AWS counts the items of a table that was just restored hours later.
            size, items = live.size, live.item_count
            return Reader(context.once, physical, retry, throttle, size=size, item_count=items)

        total = live.item_count + restored.item_count

        def show(comparison: TableComparison, scanned: int) -> None:
            text = f"{comparison.equal:,} equal, {comparison.different:,} different"
            context.observer.progress(scanned, total, text, counted(comparison))

        with stoppable(context, stop):
            return compare(
                # Nobody else reads the restored table.
                reader(restored, UNLIMITED),
                reader(live, read_rate(live, settings, metrics)),
                tuple(key.name for key in live.keys),
                segments_for(max(live.size, restored.size)),
                settings.workers,
                stop,
                show,
            )


def counted(comparison: TableComparison) -> Mapping[str, int]:
    """The counts of a comparison of a restored table with a live one."""
    return {
        "equal": comparison.equal,
        "different": comparison.different,
        "only_restored": comparison.only_first,
        "only_live": comparison.only_second,
    }
