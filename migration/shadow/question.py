"""One partition key value of an index: what the index answers, and each item in which its table differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynamo.expressions import Expressions
from dynamo.keys import Place
from dynamo.reader import Reader
from dynamo.values import Value
from migration.shadow.answers import EXPLAINED, Entry, First, IndexAnswer, Key, Kind, Placing, compare, judge
from schema.backfill import Item


@dataclass
class Question:
    """One partition key value, of which `most` items are compared from its beginning, and from its end as well if there
    are more of them or if `backwards` asks for it. Of `sampled` items the attributes are compared besides the keys.

    `compared` are the items in which both sides were, `differing` those of them that are still to be explained,
    `differed` all that ever were so. `found` says how items differ.
    """

    placing: Placing
    place: Place
    value: Value
    most: int
    backwards: bool = False
    sampled: int = 0
    compared: set[Key] = field(default_factory=set)
    differing: dict[Key, Kind | None] = field(default_factory=dict)
    differed: set[Key] = field(default_factory=set)
    found: dict[Key, Kind] = field(default_factory=dict)
    _answers: list[IndexAnswer] = field(default_factory=list)
    _returned: dict[Key, Item] = field(default_factory=dict)
    _others: set[Key] = field(default_factory=set)
    _images: dict[Key, Any] = field(default_factory=dict)
    _changed: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._first, self._last = First(self.most), First(self.most, backwards=True)

    @property
    def asked(self) -> set[Key]:
        """The items to be read from the table, and then judged."""
        return self.differing.keys() | self._others

    def expect(self, entry: Entry) -> None:
        """Takes an item of the table that the index should answer with."""
        self._first.add(entry)
        self._last.add(entry)

    def ask(self, reader: Reader) -> None:
        """Queries the index, and compares its answers with what is expected."""
        self._query(reader)
        for answer in self._answers:
            comparison = compare((self._last if answer.backwards else self._first).answer(), answer)
            self.compared |= comparison.compared
            self.differing |= dict.fromkeys(comparison.differing)
            self._others |= comparison.unknown
        self._others |= {entry.key for entry in self._answers[0].entries[: self.sampled]}
        self._forget()

    def ask_again(self, reader: Reader) -> None:
        """Queries the index once more, for what differed."""
        self._query(reader)
        self._forget()

    def judge(self, items: Mapping[Key, Item]) -> None:
        """Judges what was asked for, given those items that the table has now."""
        for key in self.asked:
            base, returned = items.get(key), self._returned.get(key)
            whole = self.sampled > 0
            kind = judge(self.placing, self.place, key, base, self._answers, returned, whole=whole)
            if kind is not None and kind not in EXPLAINED:
                self._note_image(key, kind, base)
                self.differing[key] = kind
                self.differed.add(key)
            elif key in self.differing:
                del self.differing[key]
                self.differed.add(key)
                self.found[key] = Kind.LAG
            elif kind is not None:
                self.found[key] = kind
        self._others = set()

    def conclude(self) -> None:
        """What differs by now stays so, unless the item has changed while it was looked at."""
        for key, kind in self.differing.items():
            self.found[key] = Kind.LAG if key in self._changed or kind is None else kind
        self.differing = {}

    def _note_image(self, key: Key, kind: Kind, item: Item | None) -> None:
        """Remembers an item that changes from one look to the next: the index may be behind it each time. One that the
        index lacks has to change its place there, or it would be excused by any change."""
        if kind is Kind.MISSING and item is not None:
            item = {name: item[name] for name in (key.name for key in self.placing.index.keys)}
        if self._images.setdefault(key, item) != item:
            self._changed.add(key)
        self._images[key] = item

    def _forget(self) -> None:
        """Keeps only those of the returned items that are still needed: items may be large."""
        self._returned = {key: item for key, item in self._returned.items() if key in self.asked}

    def _query(self, reader: Reader) -> None:
        """What the index answers from the beginning, and from the end."""
        self._answers, self._returned = [], {}
        self._read(reader, backwards=False)
        if self.backwards or not self._answers[0].complete:
            self._read(reader, backwards=True)

    def _read(self, reader: Reader, *, backwards: bool) -> None:
        index = self.placing.index
        wanted = Expressions(() if self.sampled else self.placing.keys)
        wanted.under(index.keys, self.value, self.placing.sort_key_prefix)
        pages = reader.query(wanted, index=index.name, most=self.most + 1, backwards=backwards)
        items = [item for page in pages for item in page.items]
        # Emulators let items into an index that AWS leaves out; the scan has counted them.
        kept = [item for item in items[: self.most] if self.placing.outside(item) is None]
        entries = tuple(self.placing.entry(item) for item in kept)
        self._answers.append(IndexAnswer(entries, len(items) <= self.most, backwards))
        self._returned |= {entry.key: item for entry, item in zip(entries, kept, strict=True)}
