"""Numbers, times and values as the change document's readers see them, in Markdown and in the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from migration.change.document import Change, Expected, PlannedStep

MINUTE = 60
NAMED = 3
"""Names that a sentence lists; of more it says how many."""


def span(seconds: float) -> str:
    """A time that something takes, as exact as an estimate is."""
    if seconds < MINUTE:
        return "under a minute"
    minutes = round(seconds / MINUTE)
    if minutes < 2 * MINUTE:
        return f"{minutes} min"
    hours, rest = divmod(minutes, MINUTE)
    return f"{hours} h" if hours >= 10 or not rest else f"{hours} h {rest} min"


def counted(number: int, what: str) -> str:
    """`1 table`, `2 tables`; the last word of `what` is the one that is counted."""
    plural = f"{what}es" if what.endswith("x") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def figure(value: float | None) -> str:
    """A figure, rounded; a dash for one that is not known."""
    return "–" if value is None else f"{value:,.0f}"


def value_text(value: JsonValue) -> str:
    """A property's value in one line. Lists of keys and attributes are shortened to what a person reads."""
    if isinstance(value, str):
        return value or '""'
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, list) and all(keys := [_key(each) for each in value]):
        return ", ".join(map(str, keys))
    if isinstance(value, dict) and not any(isinstance(each, list | dict) for each in value.values()):
        return ", ".join(f"{name}: {value_text(each)}" for name, each in sorted(value.items()))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _key(value: JsonValue) -> str | None:
    """A key of an index, or an attribute with its type, as `status (HASH)`; None for anything else."""
    if not isinstance(value, dict):
        return None
    name = value.get("attributeName") or value.get("name")
    kind = value.get("keyType") or value.get("type")
    return f"{name} ({kind})" if name and kind else None


def total_time(steps: Sequence[PlannedStep]) -> str:
    """What those steps take that can be estimated, and of how many that is not so."""
    known = [step.expected.seconds for step in steps if step.expected.seconds is not None]
    if not known:
        return "not known"
    most = f"at most {span(sum(known))}" if sum(known) >= MINUTE else span(sum(known))
    unknown = len(steps) - len(known)
    return f"{most} for {counted(len(known), 'step')}, not known for {unknown}" if unknown else most


def expected_text(expected: Expected) -> str:
    """What is expected of one step, in a few words; empty where nothing is known."""
    parts = [
        "" if expected.seconds is None else span(expected.seconds),
        "" if expected.items is None else f"{expected.items:,} items",
        "" if expected.write_units is None else f"{expected.write_units:,.0f} write units",
    ]
    return ", ".join(part for part in parts if part)


def happening(change: Change) -> list[tuple[str, list[str]]]:
    """What `migrate` would do that matters, in its order: a phrase, and the names that it is about."""
    found: dict[str, list[str]] = {}
    for step in change.steps:
        names = [f"{step.tables[0]}/{step.index}"] if step.index else list(step.tables)
        found.setdefault(step.action, []).extend(names)
    phrases = {
        "adopt": ("takes over", "live table"),
        "backfill": ("fills items of", "table"),
        "create-index": ("builds", "new index"),
        "create-tables": ("creates", "new table"),
        "remove-index": ("removes", "retired index"),
    }
    order = [action for action in found if action in phrases]
    return [
        (f"{verb} {counted(len(found[action]), what)}", found[action])
        for action in order
        for verb, what in (phrases[action],)
    ]


def listed(names: Iterable[str], most: int = NAMED) -> str:
    """The first names (escaped already), and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
