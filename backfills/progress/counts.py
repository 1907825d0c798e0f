"""What a backfill has done so far, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stack.ledger.ledger import Facts

_RECORDED = ("scanned", "changed", "skipped", "raced", "deleted", "passes", "remaining", "violating")


@dataclass
class Counts:
    """Items by what became of them.

    Of the whole backfill: `changed`; `raced`, how often the application was faster; `deleted` by it meanwhile;
    `passes`. Of the last pass: `scanned`; `skipped`, those that needed nothing; `remaining`, those that it still had
    to change or leave; `violating`, those that cannot be filled or be in an index, with `violations` by reason.
    `seconds` is how long that pass took, `rate` the write units a second that are allowed now.
    """

    scanned: int = 0
    changed: int = 0
    skipped: int = 0
    raced: int = 0
    deleted: int = 0
    passes: int = 0
    remaining: int = 0
    violating: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rate: float = 0.0

    def add(self, other: Counts) -> None:
        """Adds the items that another part of the pass looked at."""
        for name in ("scanned", "changed", "skipped", "raced", "deleted", "remaining", "violating"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.violations.update(other.violations)

    def facts(self) -> Facts:
        """What is recorded of them."""
        return {name: getattr(self, name) for name in _RECORDED} | {"violations": dict(self.violations)}

    @staticmethod
    def recorded(facts: Facts) -> Counts:
        """The counts that these facts were recorded of. In records of older versions `violating` is `unfit`."""
        known = {"violating": facts.get("unfit", 0), **facts}
        violations = Counter({reason: int(count) for reason, count in known["violations"].items()})
        return Counts(**{name: int(known[name]) for name in _RECORDED}, violations=violations)

    def next_pass(self) -> None:
        """Keeps what counts for the whole backfill, and begins the rest anew."""
        self.passes += 1
        self.scanned = self.skipped = self.remaining = self.violating = 0
        self.violations = Counter()
