"""`compare`: a restored table and the live one, item by item and by definition."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from backfills.rates import rates_for
from backfills.reader import segments_for
from backfills.watch import Watch
from dynamo.retry import Patience, Stopped
from dynamo.throttle import Throttle
from migration.session.context import Context
from migration.session.waiting import paused
from migration.steps.items.comparison import Comparison, Side, compare
from migration.steps.step import Step
from migration.steps.tables.definitions import differences
from migration.steps.tables.restore import restored_name
from migration.steps.tables.source import Source
from stack.ledger.ledger import Facts
from stack.ledger.records import RestoredProof
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveTable, read_table
from stack.world.world import World

UNLIMITED = 1_000_000_000.0
"""Read units a second from a table that nobody else reads: what it takes is up to it."""


@dataclass(frozen=True, kw_only=True)
class Compare(Step):
    """Compares `<table>-restored` with the live table, where there is one."""

    ACTION = "compare"
    ONLY_LOOKS = True

    table: str
    source: Source

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table,)

    def apply(self, context: Context, world: World) -> Facts:
        """See Step."""
        live = read_table(context.client, context.config, self.table)
        restored = read_table(context.client, context.config, restored_name(self.table))
        facts: dict[str, object] = {"source": str(self.source), "compared": None, "definition": []}
        counts: Mapping[str, int] = {}
        if live is not None and restored is not None:
            compared = self._items(context, live, restored)
            counts = counted(compared)
            facts["compared"] = {
                **counts,
                "attributes": dict(compared.attributes.most_common()),
                "examples": {_SHOWN.get(kind, kind): keys for kind, keys in compared.examples.items()},
            }
            facts["definition"] = [asdict(each) for each in differences(context.client, live, restored)]
        context.ledger.prove(RestoredProof(subject=self.table, source=str(self.source), compared=dict(counts)))
        return facts

    def effect(self, world: World) -> World:
        """See Step."""
        return world.with_proof(RestoredProof(subject=self.table, source=str(self.source), compared={}))

    def _items(self, context: Context, live: LiveTable, restored: LiveTable) -> Comparison:
        settings = context.config.settings.backfill
        stop = threading.Event()
        metrics = Metrics(context.cloudwatch, context.config.physical_name(self.table))
        rate = rates_for(live, (), settings, metrics).read
        # AWS counts the items of a table that was just restored hours later.
        item_size = live.size / live.item_count if live.item_count else 0.0

        def side(table: LiveTable, rate: float) -> Side:
            physical, throttle = context.config.physical_name(table.name), Throttle(rate, stop)
            return Side(context.once, physical, item_size, throttle, Patience(physical, stop, throttle.throttled))

        def show(comparison: Comparison, scanned: int) -> None:
            text = f"{comparison.equal:,} equal, {comparison.different:,} different"
            total = live.item_count + restored.item_count
            context.reporter.progress(scanned, total, text, counted(comparison))

        watch = Watch(stop, context.interrupts.requested.is_set, context.ledger.paused, lambda: 0.0)
        try:
            with watch.watching(lambda: None):
                return compare(
                    side(restored, UNLIMITED),
                    side(live, rate),
                    tuple(key.name for key in live.keys),
                    segments_for(max(live.size, restored.size)),
                    settings.workers,
                    stop,
                    show,
                )
        except Stopped:
            if watch.pause is not None:
                raise paused(context, watch.pause) from None
            context.interrupts.check()
            raise


_SHOWN = {"only_first": "only_restored", "only_second": "only_live"}


def counted(comparison: Comparison) -> Mapping[str, int]:
    """The counts of a comparison of a restored table with a live one."""
    return {
        "equal": comparison.equal,
        "different": comparison.different,
        "only_restored": comparison.only_first,
        "only_live": comparison.only_second,
    }
