"""Checks a stack against its schema: what is there, whether access patterns answer, and whether any item was missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from backfills.items.target import needing_work, target_of
from dynamo.expressions import Expressions
from dynamo.reader import Reader
from migration.checks.querying import any_item
from schema.model import AccessPattern, Schema, Table
from stack.file.settings import Settings
from stack.gates.claims import Claim
from stack.world.live import ACTIVE, LiveTable, wanted_stream
from stack.world.world import World


class Progress(Protocol):
    """Is told how far a long verification is."""

    def progress(self, done: int, total: int, text: str) -> None: ...


def verify(
    read: Callable[[LiveTable], Reader],
    schema: Schema,
    settings: Settings,
    world: World,
    progress: Progress,
) -> list[Claim]:
    """Every claim about the whole stack. `read` gives the reader of a table; `settings` say which violations
    and streams the stack accepts. Reads only. Raises ClientError."""
    claims: list[Claim] = []
    readers = {name: read(live) for name, live in world.live.items()}
    total = len(schema.tables) + len(schema.access_patterns)
    for done, table in enumerate(schema):
        progress.progress(done, total, table.name)
        live = world.live.get(table.name)
        if live is None:
            claims.append(Claim(table.name, holds=False, evidence="the table is missing"))
            continue
        claims += _table(table, live, settings)
        claims += _indexes(table, live)
        if table.backfilled:
            claims.append(no_item_missed(readers[table.name], table, settings.accepted_violations.get(table.name, 0)))
    for done, pattern in enumerate(schema.access_patterns, start=len(schema.tables)):
        progress.progress(done, total, pattern.name)
        live = world.live.get(pattern.table)
        if live is None or (pattern.index is not None and pattern.index not in live.indexes):
            claims.append(Claim(_title(pattern), holds=False, evidence=f"{pattern.index or pattern.table} is missing"))
        else:
            claims.append(_access_pattern(readers[pattern.table], schema.table(pattern.table), pattern))
    return claims


def _table(table: Table, live: LiveTable, settings: Settings) -> Iterator[Claim]:
    yield Claim(table.name, live.status == ACTIVE, f"table {live.status}")
    streams = live.stream == wanted_stream(live, settings.keep_stream)
    yield Claim(f"{table.name} stream", streams, live.stream_arn or "off")
    for setting, on in (
        ("point-in-time recovery", live.point_in_time_recovery),
        ("deletion protection", live.deletion_protection),
    ):
        yield Claim(f"{table.name} {setting}", on, "on" if on else "off")
    if table.ttl:
        yield Claim(f"{table.name} TTL", live.ttl == table.ttl, f"on {live.ttl}" if live.ttl else "off")


def _indexes(table: Table, live: LiveTable) -> Iterable[Claim]:
    for index in table.indexes:
        ref = str(table.ref(index))
        found = live.indexes.get(index.name)
        if found is None:
            yield Claim(ref, holds=False, evidence="the index is missing")
        elif found.index.definition != index.definition:
            yield Claim(ref, holds=False, evidence="other keys or projection than the schema's")
        else:
            keys = ", ".join(key.name for key in found.index.keys)
            yield Claim(ref, found.status == ACTIVE, f"{found.status} on {keys}")


def no_item_missed(reader: Reader, table: Table, accepted: int) -> Claim:
    """Counts the items in scope whose new attributes are missing or cannot be index keys."""
    target = target_of(table, reader.table)
    missed = sum(
        bool(set(table.backfilled) - set(item) or target.violations(item))
        for page in reader.scan(needing_work(target), consistent=True)
        for item in page.items
    )
    evidence = f"{missed} items lack {' or '.join(table.backfilled)}"
    if accepted:
        evidence += f"; the stack accepts {accepted}"
    return Claim(backfill_check(table), missed <= accepted, evidence)


def backfill_check(table: Table) -> str:
    """The name of the claim that no item was missed."""
    return f"{table.name} backfill"


def _access_pattern(reader: Reader, table: Table, pattern: AccessPattern) -> Claim:
    """Runs the read once for a key taken from a live item, and times it."""
    index = table.index(pattern.index) if pattern.index else None
    item = any_item(reader, table, index, pattern.sort_key_prefix)
    if item is None:
        return Claim(_title(pattern), holds=True, evidence="no item to read yet")
    keys = (index or table).keys
    wanted = Expressions().under(keys, item[keys[0].name], pattern.sort_key_prefix)
    page = next(reader.query(wanted, index=pattern.index, most=10))
    evidence = f"{len(page.items)} items in {page.seconds * 1000:.0f} ms"
    return Claim(_title(pattern), len(page.items) > 0, evidence)


def _title(pattern: AccessPattern) -> str:
    return f"access pattern {pattern.number}: {pattern.name}" if pattern.number else f"access pattern: {pattern.name}"
