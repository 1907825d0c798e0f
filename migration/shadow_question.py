"""One partition key value of an index: what the index answers, and each item in which its table differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backfills.model import Item
from migration.answers import EXPLAINED, Answer, Entry, First, Key, Kind, Place, Placing, compare, judge
from migration.paced_reads import PacedReads
from schema.model import AttributeType

COMPARED_ITEMS = 500
"""Items that are compared from either end of a partition key value."""


@dataclass
class Question:
    """One partition key value, read from both ends; the attributes of `sampled` items are compared.

    `compared` are the items in which both sides were compared, `differing` those of them that are still to be explained,
    `differed` all that ever were. `found` says how items differ.
    """

    placing: Placing
    place: Place
    value: Mapping[str, Any]
    sampled: int
    compared: set[Key] = field(default_factory=set)
    differing: dict[Key, Kind | None] = field(default_factory=dict)
    differed: set[Key] = field(default_factory=set)
    found: dict[Key, Kind] = field(default_factory=dict)
    _first: First = field(default_factory=lambda: First(COMPARED_ITEMS))
    _last: First = field(default_factory=lambda: First(COMPARED_ITEMS, backwards=True))
    _images: dict[Key, Any] = field(default_factory=dict)
    _changed: set[Key] = field(default_factory=set)

    def expect(self, entry: Entry) -> None:
        """Takes an item of the table that the index should answer with."""
        self._first.add(entry)
        self._last.add(entry)

    def ask(self, reads: PacedReads) -> None:
        """Queries the index, and compares."""
        answers, returned = self._query(reads)
        looked_up = {entry.key for entry in answers[0].entries[: self.sampled]}
        for base, answer in zip((self._first.answer(), self._last.answer()), answers, strict=True):
            comparison = compare(base, answer)
            self.compared |= comparison.compared
            self.differing |= dict.fromkeys(comparison.differing)
            looked_up |= comparison.unknown
        self._look(reads, answers, returned, looked_up)

    def ask_again(self, reads: PacedReads) -> None:
        """Queries the index once more, and looks at what differed."""
        self._look(reads, *self._query(reads), set())

    def conclude(self) -> None:
        """What differs by now stays so, unless the item has changed while it was looked at."""
        for key, kind in self.differing.items():
            self.found[key] = Kind.LAG if key in self._changed or kind is None else kind
        self.differing = {}

    def _look(
        self, reads: PacedReads, answers: Sequence[Answer], returned: Mapping[Key, Item], others: set[Key]
    ) -> None:
        """Reads what differs, and the others, from the table, and judges each."""
        asked = self.differing.keys() | others
        items = {self.placing.key(item): item for item in reads.items(map(self.placing.typed, asked))}
        for key in asked:
            kind = judge(self.placing, self.place, key, items.get(key), answers, returned.get(key))
            if kind is not None and kind not in EXPLAINED:
                self._note_image(key, kind, items.get(key))
                self.differing[key] = kind
                self.differed.add(key)
            elif key in self.differing:
                del self.differing[key]
                self.differed.add(key)
                self.found[key] = Kind.VIOLATION if kind is Kind.VIOLATION else Kind.LAG
            elif kind is not None:
                self.found[key] = kind

    def _note_image(self, key: Key, kind: Kind, item: Item | None) -> None:
        """Remembers an item that changes from one look to the next: the index may be behind it each time. One that the
        index lacks has to change its place there, or it would be excused by any change."""
        if kind is Kind.MISSING and item is not None:
            item = {name: item[name] for name in (key.name for key in self.placing.index.keys)}
        if self._images.setdefault(key, item) != item:
            self._changed.add(key)
        self._images[key] = item

    def _query(self, reads: PacedReads) -> tuple[list[Answer], dict[Key, Item]]:
        """What the index answers, forwards and backwards."""
        answers: list[Answer] = []
        returned: dict[Key, Item] = {}
        for backwards in (False, True):
            pages = reads.query(COMPARED_ITEMS + 1, **self._parameters(), ScanIndexForward=not backwards)
            items = [item for page in pages for item in page.items]
            kept = items[:COMPARED_ITEMS]
            entries = tuple(self.placing.entry(item) for item in kept)
            answers.append(Answer(entries, len(items) <= COMPARED_ITEMS, backwards))
            returned |= {entry.key: item for entry, item in zip(entries, kept, strict=True)}
        return answers, returned

    def _parameters(self) -> dict[str, Any]:
        index, prefix = self.placing.index, self.placing.sort_key_prefix
        condition = "#partition = :partition"
        names = {"#partition": index.partition_key.name}
        values: dict[str, Any] = {":partition": self.value}
        if prefix is not None and index.sort_key is not None:
            condition += " AND begins_with(#sort, :prefix)"
            names["#sort"] = index.sort_key.name
            kind = index.sort_key.type
            values[":prefix"] = {kind.value: prefix if kind is AttributeType.STRING else prefix.encode()}
        return {
            "IndexName": index.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
