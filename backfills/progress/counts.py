"""What a backfill has done so far, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AliasChoices, Field

from stack.ledger.ledger import Facts

_TOLD = ("scanned", "changed", "skipped", "raced", "deleted", "passes", "remaining", "violating")


@dataclass
class Counts:
    """Items by what became of them.

    Of the whole backfill: `changed`; `raced`, how often the application was faster; `deleted` by it meanwhile;
    `passes`. Of the last pass: `scanned`; `skipped`, those that needed nothing; `remaining`, those that it still had
    to change or leave; `violating`, those that cannot be filled or be in an index, with `violations` by reason.
    `seconds` is how long that pass took, `rate` the write units a second that are allowed now. In the ledger records of
    older versions `violating` is `unfit`.
    """

    scanned: int = 0
    changed: int = 0
    skipped: int = 0
    raced: int = 0
    deleted: int = 0
    passes: int = 0
    remaining: int = 0
    violating: Annotated[int, Field(validation_alias=AliasChoices("violating", "unfit"))] = 0
    violations: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rate: float = 0.0

    def add(self, other: Counts) -> None:
        """Adds the items that another part of the pass looked at."""
        for name in ("scanned", "changed", "skipped", "raced", "deleted", "remaining", "violating"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.violations.update(other.violations)

    def facts(self) -> Facts:
        """What is told and recorded of them."""
        return {name: getattr(self, name) for name in _TOLD} | {"violations": dict(self.violations)}

    def next_pass(self) -> None:
        """Keeps what counts for the whole backfill, and begins the rest anew."""
        self.passes += 1
        self.scanned = self.skipped = self.remaining = self.violating = 0
        self.violations = Counter()
