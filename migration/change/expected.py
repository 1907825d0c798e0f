"""What the steps of a plan are expected to take, from AWS's figures of the tables and the rates of the stack. Pure.

Each figure has its basis, and what has none is not known. AWS's figures of a table are up to six hours old.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from backfills.rates import Rates
from dynamo.units import CONSISTENT_READ_UNIT, EVENTUAL_READ_UNIT, WRITE_UNIT, mean_item_size
from migration.change.document import Expected, PlannedStep
from migration.steps.indexes.brown_out import BrownOut
from migration.steps.indexes.create_index import CreateIndex
from migration.steps.items.backfill import BackfillTable
from migration.steps.items.late_writers import LateWriters
from migration.steps.stack.verify import Verify
from migration.steps.step import Step
from stack.world.live import Live, LiveTable

RatesOf = Mapping[str, Rates]
"""What a backfill of a table may use, by the table's name; a table whose rates could not be read is absent."""
NOT_KNOWN = Expected()


def planned(step: Step, live: Live, rates: RatesOf) -> PlannedStep:
    """The step with what it is expected to take."""
    return PlannedStep(
        action=step.ACTION,
        tables=step.tables,
        index=step.ref.index if step.ref else None,
        why=step.why,
        expected=_expected(step, live, rates),
    )


def _expected(step: Step, live: Live, rates: RatesOf) -> Expected:
    if isinstance(step, BrownOut):
        return Expected(seconds=step.minutes * 60, basis="brownOutMinutes of the stack")
    if isinstance(step, Verify):
        filled = [table.name for table in step.schema if table.backfilled and table.name in live]
        return _reading([live[name] for name in filled], CONSISTENT_READ_UNIT, rates)
    if not isinstance(step, BackfillTable | LateWriters | CreateIndex) or step.table.name not in live:
        return NOT_KNOWN
    table = live[step.table.name]
    if isinstance(step, BackfillTable):
        return _backfill(table, rates.get(table.name))
    if isinstance(step, LateWriters):
        return _reading([table], EVENTUAL_READ_UNIT, rates)
    return _build(step, table)


def _backfill(table: LiveTable, rates: Rates | None) -> Expected:
    """At most: every item is in scope and lacks the attributes."""
    units = table.item_count * _write_units(table)
    basis = "at most: as if each item had to be filled"
    if rates is None:
        return Expected(items=table.item_count, write_units=units, basis=f"{basis}; its rates are not known")
    seconds = max(units / rates.write, _read_units(table, EVENTUAL_READ_UNIT) / rates.read)
    pace = f"{rates.write:,.0f} write and {rates.read:,.0f} read units a second"
    return Expected(seconds=seconds, items=table.item_count, write_units=units, basis=f"{basis}, at {pace}")


def _reading(tables: list[LiveTable], unit: int, rates: RatesOf) -> Expected:
    """One scan of each table, within its read rate."""
    items = sum(table.item_count for table in tables)
    if not tables or any(table.name not in rates for table in tables):
        return Expected(items=items if tables else None)
    seconds = sum(_read_units(table, unit) / rates[table.name].read for table in tables)
    slowest = min(rates[table.name].read for table in tables)
    return Expected(seconds=seconds, items=items, basis=f"one scan, at {slowest:,.0f} read units a second")


def _build(step: CreateIndex, table: LiveTable) -> Expected:
    """AWS writes each item that has the index's keys once, within the index's own capacity."""
    units = table.item_count * _write_units(table)
    at_most = "at most: as if each item had the index's keys"
    if step.building is None:
        return Expected(
            items=table.item_count, write_units=units, basis=f"{at_most}; AWS says no time for an on-demand index"
        )
    seconds = units / step.building.write
    basis = f"{at_most}, at the {step.building.write:,} write units a second that it builds with; AWS adds some minutes"
    return Expected(seconds=seconds, items=table.item_count, write_units=units, basis=basis)


def _write_units(table: LiveTable) -> float:
    """Write units of one write of a mean item to one table or index."""
    return float(ceil(mean_item_size(table.size, table.item_count) / WRITE_UNIT))


def _read_units(table: LiveTable, unit: int) -> float:
    return float(ceil(table.size / unit))
