"""A stack's backfills: what a run, a dry run, a check and a rollback of them do, with the stack's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backfills.assembly import Assembly, Options
from backfills.counts import Counts
from backfills.probe import probe
from backfills.rates import rates_for
from backfills.runner import Result
from backfills.skew import HOT_SHARE
from backfills.survey import Survey
from backfills.target import target_of
from backfills.undo import Undone
from backfills.watch import Watch
from dynamo.retry import Stopped
from migration.session.context import Context
from migration.session.exclusive import alone
from migration.session.waiting import paused
from schema.errors import Refused, Waiting
from stack.ledger.history import ROLLED_BACK
from stack.ledger.ledger import Facts
from stack.monitoring.metrics import Metrics
from stack.world.managed import index_resource
from stack.world.world import World


def backfill(context: Context, world: World, name: str) -> Facts:
    """Fills the items of one table (its name in the schema), proves it, and returns what it counted.

    What writers still add without its attributes does not hold it up: the index may be built, and is read-ready once
    they have stopped. Raises Waiting when it is paused, or when items or values stand in the way of the index that the
    stack has not accepted; Refused when the writer is not safe here.
    """
    with _working(context, world, name, _shown(context, world, name)) as assembly:
        _probe(context, assembly)
        result = assembly.run(context.clock(), _unfit_file(context, name))
    attributes = list(context.schema.table(name).backfilled)
    facts: Facts = {
        "attributes": attributes,
        **result.counts.facts(),
        "late_a_second": f"{result.residual:.1f}",
        "spread": {spread.index: str(spread) for spread in result.spreads},
    }
    _refuse_open_ends(context, name, result)
    if result.counts.remaining:
        context.observer.noted(
            f"Something still writes items of {name} without {' or '.join(attributes)}: the last of "
            f"{result.counts.passes} passes found {result.counts.remaining}, {result.residual:,.1f} a second. "
            "The index is built all the same, and is read-ready once that has stopped."
        )
    context.ledger.prove_of("backfill", name, world.live[name], facts)
    return facts


def dry_run(context: Context, world: World, name: str) -> Survey:
    """What a backfill of the table would change. Writes nothing, not even to the ledger."""
    with _working(context, world, name, _shown(context, world, name)) as assembly:
        return assembly.dry_run(context.clock())


def check(context: Context, world: World, name: str, *, mend: bool) -> Survey:
    """Which backfilled values are no longer what their sources give; mended if so asked."""
    with _working(context, world, name, _shown(context, world, name)) as assembly:
        if not mend:
            return assembly.check(mend=False)
        with alone(context, f"mending of stale values of {name}"):
            _probe(context, assembly)
            return assembly.check(mend=True)


def mend_late(context: Context, world: World, name: str, *, every_value: bool) -> tuple[Survey, Survey | None]:
    """Fills what late writers left without its attributes; with `every_value` also counts the filled values that are no
    longer what their sources give, which stay as they are: they may be the application's own."""
    with _working(context, world, name, _shown(context, world, name)) as assembly:
        _probe(context, assembly)
        late = assembly.late(context.clock())
        return late, assembly.check(mend=False) if every_value else None


def rollback(context: Context, world: World, name: str) -> Undone:
    """Takes back exactly what backfills of the table added. Raises Refused while an index needs those attributes, or
    when no journal was kept."""
    table, live = context.schema.table(name), world.live[name]
    needing = [index.name for index in table.indexes if index.name in live.indexes and table.needs_backfill(index)]
    if needing:
        raise Refused(
            f"The backfill of {name} can not be rolled back.",
            f"{', '.join(needing)} is built on it: items would vanish from the index.",
            f"Remove the index first, then run: ./invoke rollback --backfill {name} --stack {context.config.stack}",
        )

    def show(undone: Undone) -> None:
        context.observer.progress(undone.back + undone.kept, 0, f"{undone.back:,} taken back, {undone.kept:,} kept")

    with _working(context, world, name) as assembly:
        if assembly.journal.is_empty():
            raise Refused(
                f"There is nothing to roll back on {name}.",
                "The ledger holds no journal of a backfill: none ran, it was rolled back, or the stack keeps none.",
                f"Run: ./invoke status --stack {context.config.stack}",
            )
        with alone(context, f"rollback of the backfill of {name}") as run:
            run.result = ROLLED_BACK
            _probe(context, assembly)
            # Before the first value goes: from now on the backfill is not proven.
            context.ledger.disprove("verify", "stack")
            context.ledger.disprove("backfill", name)
            context.ledger.disprove("watch", name)
            undone = assembly.undo(show)
            assembly.checkpoint.forget()
    return undone


@contextmanager
def _working(
    context: Context, world: World, name: str, on_progress: Callable[[Counts], None] = lambda counts: None
) -> Iterator[Assembly]:
    """One table's backfill, ready to work, with the pause and the table's own throttling watched meanwhile."""
    live, config = world.live[name], context.config
    settings, table = config.settings.backfill, context.schema.table(name)
    physical = config.physical_name(name)
    metrics = Metrics(context.cloudwatch, physical)
    rates = rates_for(live, table.backfilled, settings, metrics, context.rate)
    options = Options(settings.writer, rates, context.workers or settings.workers, settings.journal)
    target = target_of(table, physical, live.item_count, live.size)
    ledger = context.ledger
    assembly = Assembly(context.once, target, ledger, name, live.id, options, on_progress, ledger.lease.check)
    watch = Watch(
        assembly.stop,
        context.interrupts.requested.is_set,
        ledger.paused,
        lambda: metrics.write_throttles(live.indexes),
    )
    try:
        with watch.watching(lambda: assembly.throttle.throttled(physical)):
            yield assembly
    except Stopped:
        if watch.pause is not None:
            raise paused(context, watch.pause) from None
        context.interrupts.check()
        raise


def _probe(context: Context, assembly: Assembly) -> None:
    config = context.config
    next = f"Set `writer: single` under {config.setting('backfill')} in {config.stack_file.name}."
    probe(context.once, config.ledger_name, config.settings.backfill.writer, assembly.patience, next)


def _shown(context: Context, world: World, name: str) -> Callable[[Counts], None]:
    total = world.live[name].item_count

    def show(counts: Counts) -> None:
        text = f"pass {counts.passes}: {counts.changed:,} changed, {counts.skipped:,} skipped, {counts.raced:,} raced"
        context.observer.progress(counts.scanned, total, text, {**counts.facts(), "write_units_a_second": counts.rate})

    return show


def _unfit_file(context: Context, name: str) -> Path:
    return context.config.checkout / ".local" / f"violations-{context.config.stack}-{name}.jsonl"


def late_items(context: Context, name: str, survey: Survey) -> int:
    """How many items of a look are a late writer's: those that lacked something, but for those without a source that
    the stack accepts."""
    accepted = context.config.settings.accepted_violations.get(name, 0)
    return survey.counts.remaining + max(0, survey.counts.unfit - accepted)


def _refuse_open_ends(context: Context, name: str, result: Result) -> None:
    config, settings = context.config, context.config.settings
    again = f"./invoke migrate --stack {config.stack}"
    counts = result.counts
    accepted = settings.accepted_violations.get(name, 0)
    if counts.unfit > accepted:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in counts.violations.items())
        raise Waiting(
            f"{counts.unfit} items of {name} can not enter the new index.",
            f"{reasons}. The stack accepts {accepted}. The other items are filled. "
            f"The keys are in {_unfit_file(context, name).relative_to(config.checkout)}.",
            f"Mend them, or set {config.setting('acceptedViolations')}: {name} in {config.stack_file.name}; "
            f"then run: {again}",
        )
    for spread in result.spreads:
        index = index_resource(name, spread.index)
        if spread.hottest > max(HOT_SHARE, settings.accepted_hot_keys.get(index, 0.0)):
            raise Waiting(
                f"Most writes to {index} would meet one partition.",
                f"{spread}. A partition takes 1,000 writes a second; beyond that the table's own writes are throttled.",
                f"If the table never writes that fast, set {config.setting('acceptedHotKeys')}: {index}: "
                f"{min(1.0, spread.hottest + 0.05):.2f} in {config.stack_file.name}; then run: {again}",
            )
