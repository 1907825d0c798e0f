"""A stack's backfills: what a run, a dry run, a check and a rollback of them do, with the stack's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backfills import BACKFILLS
from backfills.items.probe import probe
from backfills.items.target import target_of
from backfills.progress.counts import Counts
from backfills.rates import rates_for
from backfills.run.assembly import Assembly, Options
from backfills.run.key_spread import HOT_SHARE
from backfills.run.runner import Result
from backfills.run.survey import Survey
from backfills.run.undo import Undone
from migration.session.context import Context
from migration.session.exclusive import alone
from migration.session.reading import stoppable
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
        result = assembly.run(context.clock(), _violations_file(context, name))
    attributes = list(BACKFILLS[name].attributes)
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
            f"The backfill of {name} cannot be rolled back.",
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
    """One table's backfill, ready to work. A pause stops it, and the table's own throttling slows it down."""
    live, config = world.live[name], context.config
    settings, definition = config.settings.backfill, BACKFILLS[name]
    physical = config.physical_name(name)
    metrics = Metrics(context.cloudwatch, physical)
    rates = rates_for(live, definition.attributes, settings, metrics, context.rate)
    options = Options(settings.writer, rates, context.workers or settings.workers, settings.journal)
    target = target_of(context.schema.table(name), physical, definition, live.id, live.item_count, live.size)
    ledger = context.ledger
    assembly = Assembly(context.once, target, ledger, options, on_progress, ledger.lease.check)
    with stoppable(
        context,
        assembly.stop,
        lambda: metrics.write_throttles(live.indexes),
        lambda: assembly.throttle.throttled(physical),
    ):
        yield assembly


def _probe(context: Context, assembly: Assembly) -> None:
    config = context.config
    next = f"Set `writer: single` under sitelogix:backfill in {config.stack_file.name}."
    probe(context.once, config.ledger_name, config.settings.backfill.writer, assembly.retry, next)


def _shown(context: Context, world: World, name: str) -> Callable[[Counts], None]:
    total = world.live[name].item_count

    def show(counts: Counts) -> None:
        text = f"pass {counts.passes}: {counts.changed:,} changed, {counts.skipped:,} skipped, {counts.raced:,} raced"
        context.observer.progress(counts.scanned, total, text, {**counts.facts(), "write_units_a_second": counts.rate})

    return show


def _violations_file(context: Context, name: str) -> Path:
    return context.config.checkout / ".local" / f"violations-{context.config.stack}-{name}.jsonl"


def late_items(context: Context, name: str, survey: Survey) -> int:
    """How many items of a look are a late writer's: those that lacked something, but for those without a source that
    the stack accepts."""
    accepted = context.config.settings.accepted_violations.get(name, 0)
    return survey.counts.remaining + max(0, survey.counts.violating - accepted)


def _refuse_open_ends(context: Context, name: str, result: Result) -> None:
    config, settings = context.config, context.config.settings
    again = f"./invoke migrate --stack {config.stack}"
    counts = result.counts
    accepted = settings.accepted_violations.get(name, 0)
    if counts.violating > accepted:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in counts.violations.items())
        raise Waiting(
            f"{counts.violating} items of {name} cannot enter the new index.",
            f"{reasons}. The stack accepts {accepted}. The other items are filled. "
            f"The keys are in {_violations_file(context, name).relative_to(config.checkout)}.",
            f"Mend them, or set sitelogix:acceptedViolations: {name} in {config.stack_file.name}; then run: {again}",
        )
    for spread in result.spreads:
        index = index_resource(name, spread.index)
        if spread.hottest > max(HOT_SHARE, settings.accepted_hot_keys.get(index, 0.0)):
            raise Waiting(
                f"Most writes to {index} would meet one partition.",
                f"{spread}. A partition takes 1,000 writes a second; beyond that the table's own writes are throttled.",
                f"If the table never writes that fast, set sitelogix:acceptedHotKeys: {index}: "
                f"{min(1.0, spread.hottest + 0.05):.2f} in {config.stack_file.name}; then run: {again}",
            )
