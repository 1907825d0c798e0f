"""The load test's own records: what it is about to write, so that it is found again; and what it has measured.

| partition key | sort key                       | record         |
|---------------|--------------------------------|----------------|
| `LOADTEST`    | `WRITING`                      | a WritingNote  |
| `LOADTEST`    | `RESULT#before`, `RESULT#after` | a LoadTestResult |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stack.ledger.codec import Record, attributes, decoded
from stack.ledger.ledger import Ledger

PARTITION = "LOADTEST"
WRITING = "WRITING"
BEFORE, AFTER = "before", "after"
MOST_KINDS = 50
"""Kinds of requests whose percentiles are kept in the ledger: the slowest. That is about 6 KB."""


@dataclass(frozen=True, kw_only=True)
class WritingNote(Record):
    """New items may be there, of keys that carry `mark`. By physical table: the name of its partition key, the keys
    that theirs are made of (`stems`, typed), and how many numbers may be used (`most`). Written before the first of
    these items is, removed after the last one was. `rate` is in items a second."""

    at: datetime
    mark: str
    rate: float
    partition_keys: dict[str, str] = field(default_factory=dict)
    stems: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LoadTestResult(Record):
    """The newest load test before the new indexes are all live, or after: at which `rate` (a second) for how many
    `seconds`, by which `seed`; how many requests and failures; for each kind of request its percentiles in
    milliseconds."""

    began: datetime
    rate: float
    seconds: float
    seed: int
    passed: bool
    requests: int
    errors: int
    kinds: dict[str, dict[str, float]] = field(default_factory=dict)


def writing(ledger: Ledger) -> WritingNote | None:
    """What a load test is writing, or has left. Raises ToolError."""
    item = ledger.get(PARTITION, WRITING)
    return decoded(WritingNote, item) if item is not None else None


def note(ledger: Ledger, found: WritingNote) -> None:
    """Writes the note. Raises LeaseLost."""
    ledger.put(PARTITION, WRITING, attributes(found))


def forget(ledger: Ledger) -> None:
    """Removes the note. Raises LeaseLost."""
    ledger.remove(PARTITION, WRITING)


def result(ledger: Ledger, state: str) -> LoadTestResult | None:
    """The newest result of that state of the schema, or None. Raises ToolError."""
    item = ledger.get(PARTITION, f"RESULT#{state}")
    return decoded(LoadTestResult, item) if item is not None else None


def keep(ledger: Ledger, state: str, found: LoadTestResult) -> None:
    """Replaces the result of that state. Raises LeaseLost."""
    ledger.put(PARTITION, f"RESULT#{state}", attributes(found))


def slowest(kinds: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """As many kinds as are kept, in the order of their names."""
    chosen = sorted(kinds, key=lambda name: -kinds[name]["p99"])[:MOST_KINDS]
    return {name: kinds[name] for name in sorted(chosen)}
