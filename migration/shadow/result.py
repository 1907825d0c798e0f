"""What shadow reads of an index found, for the ledger and for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migration.shadow.answers import EXPLAINED, Key, Kind, show
from schema.model import AccessPattern
from stack.ledger.ledger import Facts

SHOWN_KEYS = 5
"""Example keys of each kind of difference that are kept."""


@dataclass
class Difference:
    """How many items differ in one way, and the keys of a few of them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


class Differences(dict[Kind, Difference]):
    """Differences by kind."""

    def note(self, kind: Kind, key: Key) -> None:
        """Counts one item."""
        found = self.setdefault(kind, Difference())
        found.count += 1
        if len(found.examples) < SHOWN_KEYS:
            found.examples.append(show(key))

    def count(self, kind: Kind, items: int) -> None:
        """Counts items whose keys are not known."""
        if items:
            self.setdefault(kind, Difference()).count += items

    @property
    def unexplained(self) -> int:
        """How many items differ without a reason."""
        return sum(difference.count for kind, difference in self.items() if kind not in EXPLAINED)

    def facts(self) -> dict[str, Facts]:
        """By kind, as it stands in the ledger."""
        return {
            kind.value: {"count": difference.count, "examples": list(difference.examples)}
            for kind, difference in self.items()
        }


@dataclass(frozen=True)
class Read:
    """One access pattern, read from both sides: how many partition key values and items were compared, how many of the
    items were equal at once, and the differences of the others."""

    pattern: AccessPattern
    values: int
    items: int
    equal: int
    differences: Differences


@dataclass(frozen=True)
class ShadowResult:
    """What the shadow reads of one index found.

    `scanned` items of the table were looked at; `outside` are those that do not belong in the index (a key is missing,
    or can be none). `read_units` are the read capacity units that it took, of the table and the index.
    """

    index: str
    reads: tuple[Read, ...]
    scanned: int
    outside: Differences
    read_units: float

    @property
    def equal(self) -> bool:
        """Whether every difference is explained."""
        return not any(read.differences.unexplained for read in self.reads)

    def facts(self) -> Facts:
        """What the ledger keeps: whole numbers, texts, lists and maps of them."""
        return {
            "equal": self.equal,
            "scanned": self.scanned,
            "read_units": round(self.read_units),
            "outside": self.outside.facts(),
            "patterns": {
                read.pattern.name: {
                    "values": read.values,
                    "items": read.items,
                    "equal": read.equal,
                    "differences": read.differences.facts(),
                }
                for read in self.reads
            },
        }

    @property
    def summary(self) -> str:
        """One line for a person: the differences without a reason, or else how much agrees."""
        items, values = sum(read.items for read in self.reads), sum(read.values for read in self.reads)
        looked_at = f"{items:,} items under {values} partition key values"
        if self.equal:
            found = _told([self.outside, *(read.differences for read in self.reads)])
            return f"{looked_at} agree" + (f"; explained: {found}" if found else "")
        wrong = [
            Differences({kind: difference for kind, difference in read.differences.items() if kind not in EXPLAINED})
            for read in self.reads
        ]
        first = next(difference.examples[0] for found in wrong for difference in found.values())
        return f"{_told(wrong)} of {looked_at}, such as {first}"


def _told(differences: list[Differences]) -> str:
    counts: Mapping[Kind, int] = {
        kind: sum(found[kind].count for found in differences if kind in found) for kind in Kind
    }
    return ", ".join(f"{count:,} × {kind.value}" for kind, count in counts.items() if count)
