"""`compare`: a restored table and the live one, item by item and by definition. A backup holds items, keys and indexes,
and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from backfills.rates import read_rate
from dynamo.reader import Reader
from dynamo.retry import Retry
from dynamo.throttle import Throttle
from dynamo.units import UNLIMITED, segments_for
from migration.session.context import Context
from migration.session.reading import stoppable
from migration.steps.items.comparison import TableComparison, compare
from migration.steps.tables.restore import OfRestoration, restored_name
from schema.model import Index
from schema.parts import Throughput
from stack.ledger.ledger import Facts
from stack.ledger.rollback import RestoredProof
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveTable, read_table
from stack.world.world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Compare(OfRestoration):
    """Compares `<table>-restored` with the live table, where there is one."""

    ACTION = "compare"
    NOT_RECORDED = frozenset({"examples"})

    def apply(self, context: Context, world: World) -> Facts:
        live = read_table(context.client, context.config, self.table)
        restored = read_table(context.client, context.config, restored_name(self.table))
        facts: dict[str, object] = {"source": str(self.source), "compared": None, "examples": {}, "definition": []}
        counts: Mapping[str, int] = {}
        if live is not None and restored is not None:
            compared = self._items(context, live, restored)
            counts = compared.counts()
            facts["compared"] = {**counts, "attributes": dict(compared.attributes.most_common())}
            facts["examples"] = compared.examples
            facts["definition"] = [asdict(each) for each in differences(context.client, live, restored)]
        context.ledger.prove(RestoredProof(subject=self.table, source=str(self.source), compared=dict(counts)))
        return facts

    def effect(self, world: World) -> World:
        return world.with_proof(RestoredProof(subject=self.table, source=str(self.source), compared={}))

    def _items(self, context: Context, live: LiveTable, restored: LiveTable) -> TableComparison:
        settings = context.config.settings.backfill
        stop = threading.Event()
        metrics = Metrics(context.cloudwatch, context.config.physical_name(self.table))

        def reader(table: LiveTable, rate: float) -> Reader:
            physical, throttle = context.config.physical_name(table.name), Throttle(rate, stop)
            retry = Retry(physical, stop, throttle.throttled)
            # AWS counts the items of a table that was just restored hours later.
            return Reader(context.once, physical, retry, throttle, size=live.size, item_count=live.item_count)

        def show(comparison: TableComparison, scanned: int) -> None:
            text = f"{comparison.equal:,} equal, {comparison.different:,} different"
            total = live.item_count + restored.item_count
            context.reporter.progress(scanned, total, text, comparison.counts())

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


@dataclass(frozen=True)
class DefinitionDifference:
    """One thing (`what`) that is one way in the live table and another in the restored one."""

    what: str
    live: str
    restored: str


def differences(client: DynamoDBClient, live: LiveTable, restored: LiveTable) -> Iterator[DefinitionDifference]:
    """What differs between the two definitions. Scaling and alarms are kept outside DynamoDB, and not looked at."""
    pairs = {
        "capacity": (_capacity(live.throughput), _capacity(restored.throughput)),
        "stream": (live.stream or "off", restored.stream or "off"),
        "point-in-time recovery": (_on(live.point_in_time_recovery), _on(restored.point_in_time_recovery)),
        "deletion protection": (_on(live.deletion_protection), _on(restored.deletion_protection)),
        "expiry": (live.ttl or "off", restored.ttl or "off"),
        "tags": (_tags(client, live), _tags(client, restored)),
    }
    for name in sorted({*live.indexes, *restored.indexes}):
        ours, theirs = live.indexes.get(name), restored.indexes.get(name)
        pairs[f"index {name}"] = (_index(ours.index if ours else None), _index(theirs.index if theirs else None))
    pairs["local indexes"] = (_local(live), _local(restored))
    for what, (one, other) in pairs.items():
        if one != other:
            yield DefinitionDifference(what, one, other)


def _on(value: bool) -> str:
    return "on" if value else "off"


def _capacity(throughput: Throughput | None) -> str:
    return f"{throughput.read}/{throughput.write}" if throughput else "on demand"


def _index(index: Index | None) -> str:
    if index is None:
        return NONE
    keys = ", ".join(key.name for key in index.keys)
    return f"on {keys}, {index.projection.type}, {_capacity(index.throughput)}"


def _local(table: LiveTable) -> str:
    found = (
        f"{index.name} on {', '.join(key.name for key in index.keys)}, {index.projection.type}"
        for index in table.local_indexes
    )
    return "; ".join(found) or NONE


def _tags(client: DynamoDBClient, table: LiveTable) -> str:
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=table.arn)
    return ", ".join(sorted(f"{tag['Key']}={tag['Value']}" for page in pages for tag in page["Tags"])) or NONE
