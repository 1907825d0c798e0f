"""New items: real ones under new keys that carry a mark, so that they are found again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dynamo.sizes import item_size
from schema.backfill import Item
from schema.model import Table
from schema.parts import AttributeType

MOST_TEMPLATES = 8
"""Real items that new ones of a table are made from. Their keys are kept in the ledger's note."""
LARGEST_TEMPLATE = 16 * 1024
"""Bytes of such an item: a larger one would make up most of what is written."""
LONGEST_KEY = 512
"""Bytes of the keys of such an item: the note holds all of them, in one item of the ledger."""
MARK = "~keyshift-loadtest-"
"""What each new key holds, with the run's id and a number after it."""


@dataclass(frozen=True)
class Source:
    """What new items of a table are made from: its partition key's name, some real items, and the run's mark."""

    partition_key: str
    sort_key: str | None
    templates: tuple[Item, ...]
    mark: str

    def item(self, number: int) -> dict[str, Any]:
        """The new item of that number: as a real one, but for its partition key."""
        which = number % len(self.templates)
        return {**self.templates[which], **new_key(self.partition_key, self.stems[which], self.mark, number)}

    @property
    def stems(self) -> list[dict[str, Any]]:
        """The keys of the real items."""
        names = [self.partition_key] + ([self.sort_key] if self.sort_key else [])
        return [{name: template[name] for name in names} for template in self.templates]


def source(table: Table, items: Iterable[Item], mark: str) -> Source | str:
    """What new items can be made from, or why they cannot."""
    key = table.partition_key
    if key.type is not AttributeType.STRING:
        return f"its partition key {key.name} is no text, so a new key cannot carry a mark"
    chosen = [item for item in items if item_size(item) <= LARGEST_TEMPLATE and _has_room(item, table)]
    if not chosen:
        return "it has no item that a new one could be made from"
    return Source(key.name, table.sort_key.name if table.sort_key else None, tuple(chosen[:MOST_TEMPLATES]), mark)


def new_key(partition_key: str, stem: Mapping[str, Any], mark: str, number: int) -> dict[str, Any]:
    """The key of the new item of that number, made from the key of a real one."""
    return {**stem, partition_key: {"S": f"{stem[partition_key]['S']}{mark}{number}"}}


def _has_room(item: Item, table: Table) -> bool:
    """Whether its keys are short enough, and it is no new item of another load test."""
    key = {name: item[name] for name in table.key_names}
    return item_size(key) <= LONGEST_KEY and MARK not in item[table.partition_key.name]["S"]
