"""What a load test will send, and what that costs: read from the live tables, before anything is written."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dynamo.keys import index_keys
from dynamo.sizes import item_size
from loadtest.items import MARK, source
from loadtest.mix import PAGE_ITEMS, Line, Mix, Reading, Writing, read_units, units_of_new, weighed
from loadtest.sampling import sampled
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import refuse_if_paused
from schema.backfill import Item
from schema.errors import Refused, UsageError
from schema.model import AccessPattern, Index, Table
from stack.aws import translated_errors
from stack.world.live import ACTIVE, Live, LiveTable, read_live
from stack.world.refusing import refuse_unsupported


@dataclass(frozen=True)
class Asked:
    """What a person asked for: requests a second, seconds, and the seed of all chance."""

    rate: float
    seconds: float
    seed: int


@dataclass(frozen=True)
class Prepared:
    """A load test that nothing stands against. `mark` is what its new keys carry; `migrated` is whether all that the
    schema declares is live. Nothing was written yet."""

    asked: Asked
    mix: Mix
    mark: str
    migrated: bool
    live: Live

    @property
    def lines(self) -> list[Line]:
        """What it comes to, by kind of request."""
        return list(self.mix.lines(self.asked.rate, self.asked.seconds))

    def unread(self, patterns: Iterable[AccessPattern]) -> dict[str, str]:
        """Those of the access patterns that are left out, by why. None before the migration: new indexes do not answer
        yet, and what was measured then is there to be compared with."""
        names = {pattern.name for pattern in patterns} if self.migrated else set()
        return {name: why for name, why in self.mix.left_out.items() if name in names}

    def says(self) -> Iterator[str]:
        """What it will do and cost, a line each."""
        lines = self.lines
        reads, writes = ([line for line in lines if line.writes is kind] for kind in (False, True))
        yield (
            f"{self.asked.rate:g} requests a second for {self.asked.seconds:g} s, seed {self.asked.seed}: at most "
            f"{sum(line.units_in_all for line in reads):,.0f} read units, "
            f"{sum(line.units_in_all for line in writes):,.0f} write units with the removal of what is written; "
            f"${sum(line.dollars for line in lines):,.4f} on demand."
        )
        for line in lines:
            units = f"{line.units:g} units each at most, {line.units_in_all:,.0f} in all"
            yield f"  {line.name}: {line.rate:,.2f} a second, {units}"
        yield from (f"  left out: {name}, because {why}" for name, why in self.mix.left_out.items())
        yield from self._beyond()

    def _beyond(self) -> Iterator[str]:
        """What is asked of a table or an index beyond its provisioned capacity."""
        asked: dict[tuple[str, str | None], float] = {}
        for kind, line in zip((kind for kind, _ in self.mix.kinds), self.lines, strict=True):
            if isinstance(kind, Reading):
                of = (kind.table.name, kind.index.name if kind.index else None)
                asked[of] = asked.get(of, 0.0) + line.rate * line.units
        for (name, index), units in asked.items():
            table = self.live[name]
            throughput = table.throughput if index is None else table.indexes[index].index.throughput
            if throughput is not None and units > throughput.read:
                where = name if index is None else f"{name}/{index}"
                has = f"{where} has {throughput.read} read units a second"
                yield f"  {has}, and is asked for up to {units:,.1f}: it may throttle"


def prepare(context: Context, asked: Asked) -> Prepared:
    """Refuses what the stack does not allow, and samples its tables. Reads only. Raises Refused, UsageError,
    ToolError."""
    refuse_where_not_allowed(context, asked.rate)
    refuse_if_paused(context)
    proofs = context.ledger.proofs()
    context.refuse_others_tables(proofs)
    context.ledger.refuse_older_code(proofs)
    live = read_live(context.client, context.config, context.schema)
    refuse_unsupported(live)
    mark = f"{MARK}{secrets.token_hex(6)}-"
    chance = random.Random(asked.seed)  # noqa: S311  # a test has to be repeatable
    with translated_errors(context.config):
        mix = _Sampler(context, live, chance, mark).mix()
    if not mix.kinds:
        raise UsageError(
            "There is nothing to send.",
            "; ".join(f"{name}: {why}" for name, why in mix.left_out.items()) or "The schema has no access pattern.",
            context.command("status"),
        )
    return Prepared(asked, mix, mark, _is_migrated(context, live), live)


def refuse_where_not_allowed(context: Context, rate: float) -> None:
    """Raises Refused for a stack whose file does not allow a load test, or not at that rate."""
    config, settings = context.config, context.config.settings.load_test
    setting, file = config.setting("loadTest"), config.stack_file.name
    if not settings.allowed:
        raise Refused(
            f"Stack {config.stack} allows no load test.",
            f"It costs units and can throttle others, so {file} has to allow it.",
            f"Where that is right, add {setting}: {{allowed: true, maximumRate: …}}, for review.",
        )
    if config.settings.promotes_from is not None and not settings.production:
        raise Refused(
            f"Stack {config.stack} is one that another is promoted to, and allows no load test by name.",
            f"{file} has {config.setting('promotesFrom')}, so people use it; `allowed` may come from elsewhere.",
            f"Where that is right all the same, add production: true to {setting}, for review.",
        )
    if rate > settings.maximum_rate:
        raise Refused(
            f"Stack {config.stack} allows at most {settings.maximum_rate:g} requests a second, not {rate:g}.",
            f"{file} says so: {setting}.maximumRate.",
            "Set a lower --rate, or raise maximumRate, for review.",
        )


class _Sampler:
    """Reads what the mix is made of, a table at a time."""

    def __init__(self, context: Context, live: Live, chance: random.Random, mark: str) -> None:
        self._context = context
        self._live = live
        self._chance = chance
        self._mark = mark
        self._left_out: dict[str, str] = {}
        self._items: dict[str, list[Item]] = {}

    def mix(self) -> Mix:
        schema, settings = self._context.schema, self._context.config.settings.load_test
        patterns = [one for one in schema.access_patterns if settings.weights.get(one.name, 1.0) > 0]
        readings = [found for pattern in patterns if (found := self._reading(pattern)) is not None]
        tables = {reading.table.name: reading.table for reading in readings}
        written = tables.values() if settings.write_share else ()
        writings = [made for table in written if (made := self._writing(table)) is not None]
        return weighed(readings, writings, self._left_out, settings.weights, settings.write_share)

    def _reading(self, pattern: AccessPattern) -> Reading | None:
        table = self._context.schema.table(pattern.table)
        index = None if pattern.index is None else table.index(pattern.index)
        live = self._live.get(table.name)
        if live is None or (index is not None and not _answers(live, index)):
            where = f"index {index.name}" if index is not None and live is not None else f"table {table.name}"
            self._left_out[pattern.name] = f"{where} is not live"
            return None
        items = self._sample(live, table, index, pattern)
        keys = table.keys if index is None else index.keys
        values = tuple(item[keys[0].name] for item in items if keys[0].name in item)
        if not values:
            self._left_out[pattern.name] = "no item was found that it reads"
            return None
        units = read_units([item_size(item) for item in items], _most_items(table, index))
        return Reading(pattern, table, index, values, units)

    def _writing(self, table: Table) -> Writing | None:
        live = self._live[table.name]
        items = self._sample(live, table, None, None)
        indexes = tuple(found.index for found in live.indexes.values())
        # An item that an index refuses (a wrong type) cannot be written once more.
        keys = index_keys(indexes).values()
        fitting = [item for item in items if not any(key.violation(item[key.name]) for key in keys if key.name in item)]
        self._chance.shuffle(fitting)
        made = source(table, fitting, self._mark)
        if isinstance(made, str):
            self._left_out[f"new items of {table.name}"] = made
            return None
        return Writing(table, made, units_of_new(made.templates, table, indexes))

    def _sample(self, live: LiveTable, table: Table, index: Index | None, pattern: AccessPattern | None) -> list[Item]:
        prefix = pattern.sort_key_prefix if pattern is not None else None
        place = f"{table.name}/{index.name if index else ''}/{prefix or ''}"
        if place not in self._items:
            reader = reader_of(self._context, live)
            self._items[place] = sampled(reader, table, index, pattern, live.size, self._chance)
        return self._items[place]


def _answers(live: LiveTable, index: Index) -> bool:
    found = live.indexes.get(index.name)
    return found is not None and found.status == ACTIVE


def _most_items(table: Table, index: Index | None) -> int:
    """How many items one query returns at most."""
    return 1 if index is None and table.sort_key is None else PAGE_ITEMS


def _is_migrated(context: Context, live: Live) -> bool:
    """Whether every table and index that the schema declares answers."""
    return all(
        table.name in live and all(_answers(live[table.name], index) for index in table.indexes)
        for table in context.schema
    )
