"""One table's backfill, ready to work with the stack's settings: what the steps and the task `backfill` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backfills.items.target import target_of
from backfills.items.writer import probe
from backfills.progress.records import Counts
from backfills.rates import rates_for
from backfills.run.assembly import Assembly, Options
from migration.session.context import Context
from migration.session.reading import stoppable
from schema.errors import UsageError
from stack.monitoring.metrics import Metrics
from stack.world.world import World


@contextmanager
def working(
    context: Context, world: World, name: str, on_progress: Callable[[Counts], None] = lambda counts: None
) -> Iterator[Assembly]:
    """One table's backfill, ready to work. A pause stops it, and the table's own throttling slows it down."""
    live, config = world.live[name], context.config
    settings, table = config.settings.backfill, context.schema.table(name)
    physical = config.physical_name(name)
    metrics = Metrics(context.cloudwatch, physical)
    rates = rates_for(live, table.backfilled, settings, metrics, context.rate)
    options = Options(settings.writer, rates, context.workers or settings.workers, settings.journal)
    target = target_of(table, physical, live.id, live.item_count, live.size)
    ledger = context.ledger
    assembly = Assembly(context.once, target, ledger, options, on_progress, ledger.lease.check)
    with stoppable(
        context,
        assembly.stop,
        lambda: metrics.write_throttles(live.indexes),
        lambda: assembly.throttle.throttled(physical),
    ):
        yield assembly


def probed(context: Context, assembly: Assembly) -> None:
    config = context.config
    next = f"Set `writer: single` under {config.setting('backfill')} in {config.stack_file.name}."
    probe(context.once, config.ledger_name, config.settings.backfill.writer, assembly.retry, next)


def shown(context: Context, world: World, name: str) -> Callable[[Counts], None]:
    total = world.live[name].item_count

    def show(counts: Counts) -> None:
        text = f"pass {counts.passes}: {counts.changed:,} changed, {counts.skipped:,} skipped, {counts.raced:,} raced"
        context.reporter.progress(counts.scanned, total, text, {**counts.facts(), "write_units_a_second": counts.rate})

    return show


def backfilled_tables(context: Context, world: World, only: str | None = None) -> list[str]:
    """The tables that have a backfill and are live, or the one that is named. Raises UsageError for another one."""
    known = [table.name for table in context.schema if table.backfilled]
    names = [name for name in known if name in world.live]
    if only is None:
        return names
    if only not in known:
        raise UsageError(
            f"Table {only} has no backfill.",
            "None of its new indexes needs an attribute that its items lack.",
            f"There are: {', '.join(known)}.",
        )
    if only not in names:
        raise UsageError(
            f"Table {only} is not there.",
            f"AWS has no {context.config.physical_name(only)} in {context.config.region}.",
            f"Run: ./invoke status --stack {context.config.stack}",
        )
    return [only]
