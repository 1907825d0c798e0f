"""Reading a stack against its schema: what is there, whether its indexes answer, and whether any item was missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from backfills.scan import needing_work
from backfills.target import LONGEST_SORT_KEY, target_of
from schema.errors import VerificationFailed
from schema.model import AccessPattern, AttributeType, Index, Schema, Table
from stack.file.config import StackConfig
from stack.gates.claims import Claim
from stack.ledger.ledger import Facts
from stack.world.live import ACTIVE, STREAM_VIEW_TYPE, LiveTable
from stack.world.world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOTHING_TO_QUERY = "no item has its keys yet"
MOST_TRIES = 3
"""Items that are tried before an index counts as wrong: the application may change one while we look."""
INDEX_LAG_SECONDS = 10
"""How long an index may lag behind its table before a missing item counts: it is eventually consistent."""


class Progress(Protocol):
    """Is told how far a long verification is."""

    def progress(self, done: int, total: int, text: str) -> None: ...


def verify(
    client: DynamoDBClient, config: StackConfig, schema: Schema, world: World, progress: Progress
) -> list[Claim]:
    """Every check of the whole stack. Reads only. Raises ClientError."""
    checks: list[Claim] = []
    total = len(schema.tables) + len(schema.access_patterns)
    for done, table in enumerate(schema):
        progress.progress(done, total, table.name)
        live = world.live.get(table.name)
        if live is None:
            checks.append(Claim(table.name, False, "the table is missing"))
            continue
        checks += _table(table, live)
        checks += _indexes(table, live)
        if table.backfilled:
            checks.append(no_item_missed(client, config, table))
    for done, pattern in enumerate(schema.access_patterns, start=len(schema.tables)):
        progress.progress(done, total, pattern.name)
        live = world.live.get(pattern.table)
        if live is None or (pattern.index is not None and pattern.index not in live.indexes):
            checks.append(Claim(_title(pattern), False, f"{pattern.index or pattern.table} is missing"))
        else:
            checks.append(_access_pattern(client, config, schema, pattern))
    return checks


OnRead = Callable[[float], None]
"""Told of the read units that a query of an index consumed."""


def query_index(
    client: DynamoDBClient,
    physical: str,
    keys: tuple[str, ...],
    index: Index,
    on_read: OnRead = lambda units: None,
) -> Facts:
    """Finds an item of the table, whose keys are `keys`, that belongs in the index, and finds it through the index.

    Returns the item's keys, or says that no item belongs there. Raises VerificationFailed.
    """
    shown = ""
    for _ in range(MOST_TRIES):
        item = _any_item(client, physical, keys, index)
        if item is None:
            return {"queried": NOTHING_TO_QUERY}
        shown = " / ".join(str(next(iter(item[key].values()))) for key in keys)
        if _comes_up(client, physical, keys, index, item, on_read):
            return {"queried": shown}
        now = client.get_item(TableName=physical, Key={key: item[key] for key in keys}, ConsistentRead=True)
        if all(now.get("Item", {}).get(key.name) == item[key.name] for key in index.keys):
            break
    raise VerificationFailed(
        f"Index {index.name} of {physical} does not return an item that it should.",
        f"{shown}, for {INDEX_LAG_SECONDS} seconds.",
        "Compare the item's index keys with the index.",
    )


def _comes_up(
    client: DynamoDBClient, physical: str, keys: tuple[str, ...], index: Index, item: Any, on_read: OnRead
) -> bool:
    deadline = time.monotonic() + INDEX_LAG_SECONDS
    while not _found_through(client, physical, keys, index, item, on_read):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _table(table: Table, live: LiveTable) -> Iterable[Claim]:
    yield Claim(table.name, live.status == ACTIVE, f"table {live.status}")
    yield Claim(f"{table.name} stream", live.stream == STREAM_VIEW_TYPE, live.stream_arn or "off")
    on = live.point_in_time_recovery
    yield Claim(f"{table.name} point-in-time recovery", on, "on" if on else "off")
    yield Claim(
        f"{table.name} deletion protection", live.deletion_protection, "on" if live.deletion_protection else "off"
    )
    if table.ttl:
        yield Claim(f"{table.name} TTL", live.ttl == table.ttl, f"on {live.ttl}" if live.ttl else "off")


def _indexes(table: Table, live: LiveTable) -> Iterable[Claim]:
    for index in table.indexes:
        ref = str(table.ref(index))
        found = live.indexes.get(index.name)
        if found is None:
            yield Claim(ref, False, "the index is missing")
        elif found.index.definition != index.definition:
            yield Claim(ref, False, "other keys or projection than the schema's")
        else:
            keys = ", ".join(key.name for key in found.index.keys)
            yield Claim(ref, found.status == ACTIVE, f"{found.status} on {keys}")


def no_item_missed(client: DynamoDBClient, config: StackConfig, table: Table) -> Claim:
    """Counts the items in scope whose new attributes are missing or unfit for an index key."""
    physical = config.physical_name(table.name)
    target = target_of(table, physical)
    pages = client.get_paginator("scan").paginate(
        TableName=physical, ConsistentRead=True, **needing_work(target).parameters()
    )
    items: Iterable[Any] = (item for page in pages for item in page["Items"])
    unfit = sum(bool(set(table.backfilled) - set(item) or target.unfit_keys(item)) for item in items)
    accepted = config.settings.accepted_violations.get(table.name, 0)
    evidence = f"{unfit} items lack {' or '.join(table.backfilled)}"
    if accepted:
        evidence += f"; the stack accepts {accepted}"
    return Claim(backfill_check(table), unfit <= accepted, evidence)


def backfill_check(table: Table) -> str:
    """The subject of the check that no item was missed."""
    return f"{table.name} backfill"


def _access_pattern(client: DynamoDBClient, config: StackConfig, schema: Schema, pattern: AccessPattern) -> Claim:
    """Runs the read once for a key taken from a live item, and times it."""
    table = schema.table(pattern.table)
    index = table.index(pattern.index) if pattern.index else None
    physical = config.physical_name(table.name)
    keys = index.keys if index else table.keys
    name = _title(pattern)
    item = _any_item(client, physical, table.key_names, index, pattern.sort_key_prefix)
    if item is None:
        return Claim(name, True, "no item to read yet")
    parameters: dict[str, Any] = {
        "KeyConditionExpression": "#partition = :partition",
        "ExpressionAttributeNames": {"#partition": keys[0].name},
        "ExpressionAttributeValues": {":partition": item[keys[0].name]},
    }
    if pattern.sort_key_prefix:
        parameters["KeyConditionExpression"] += " AND begins_with(#sort, :prefix)"
        parameters["ExpressionAttributeNames"]["#sort"] = keys[1].name
        parameters["ExpressionAttributeValues"][":prefix"] = {"S": pattern.sort_key_prefix}
    if index:
        parameters["IndexName"] = index.name
    began = time.perf_counter()
    found = client.query(TableName=physical, Limit=10, **parameters)["Count"]
    milliseconds = (time.perf_counter() - began) * 1000
    return Claim(name, found > 0, f"{found} items in {milliseconds:.0f} ms")


def _title(pattern: AccessPattern) -> str:
    return f"access pattern {pattern.number}: {pattern.name}" if pattern.number else f"access pattern: {pattern.name}"


def _any_item(
    client: DynamoDBClient, physical: str, table_keys: tuple[str, ...], index: Index | None, prefix: str | None = None
) -> Any:
    """Some item that has the index's keys, or whose sort key begins so; None if a whole scan finds none."""
    names = {f"#t{number}": key for number, key in enumerate(table_keys)}
    conditions: list[str] = []
    values: dict[str, Any] = {}
    for number, key in enumerate(index.keys if index else ()):
        names[f"#k{number}"] = key.name
        values[f":t{number}"] = {"S": key.type.value}
        conditions.append(f"attribute_type(#k{number}, :t{number})")
        if key.type is not AttributeType.NUMBER:
            # `size` counts characters, of up to four bytes each.
            values |= {":shortest": {"N": "1"}, ":longest": {"N": str(LONGEST_SORT_KEY // 4)}}
            conditions.append(f"size(#k{number}) BETWEEN :shortest AND :longest")
    if prefix:
        conditions.append("begins_with(#t1, :prefix)")
        values[":prefix"] = {"S": prefix}
    filtered: dict[str, Any] = {}
    if conditions:
        filtered = {"FilterExpression": " AND ".join(conditions), "ExpressionAttributeValues": values}
    pages = client.get_paginator("scan").paginate(
        TableName=physical,
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames=names,
        ConsistentRead=True,
        **filtered,
    )
    return next((item for page in pages for item in page["Items"]), None)


def _found_through(
    client: DynamoDBClient, physical: str, table_keys: tuple[str, ...], index: Index, item: Any, on_read: OnRead
) -> bool:
    names = {f"#k{number}": key.name for number, key in enumerate(index.keys)}
    pages = client.get_paginator("query").paginate(
        TableName=physical,
        IndexName=index.name,
        KeyConditionExpression=" AND ".join(f"{name} = :{name[1:]}" for name in names),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={f":{name[1:]}": item[key] for name, key in names.items()},
        ReturnConsumedCapacity="INDEXES",
    )
    for page in pages:
        on_read(units_of(page, index.name))
        if any(all(found[key] == item[key] for key in table_keys) for found in page["Items"]):
            return True
    return False


def units_of(answer: Mapping[str, Any], index: str) -> float:
    """The read units that a query or scan of an index consumed, as its answer says."""
    consumed = answer.get("ConsumedCapacity") or {}
    # An emulator may know the sum alone.
    return float(consumed.get("GlobalSecondaryIndexes", {}).get(index, consumed).get("CapacityUnits", 0.0))
