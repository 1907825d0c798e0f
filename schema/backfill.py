"""What a backfill is: a pure function from an item to the attributes that it lacks, and what that function reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB sends it, such as {"PK": {"S": "REPORT#1"}}: nothing is lost by converting it."""


class NoValue(Exception):
    """An attribute cannot be computed for an item; the message is the reason, the same for all such items."""


@dataclass(frozen=True)
class Given:
    """What a rule may use besides the item: the run's one clock reading (ISO 8601 UTC with `Z`), and the date
    (YYYY-MM-DD) of the newest dated record of the item's partition, if the backfill asks for it and there is one.

    With `sources_only` a rule gives no defaults: a value that came from no source cannot be told from one that the
    application chose, so it never counts as stale.
    """

    clock: str
    newest: str | None = None
    sources_only: bool = False

    def default(self, value: str) -> str:
        """A value for an item that has no source of its own. Raises NoValue where only sources count."""
        if self.sources_only:
            raise NoValue("no source")
        return value


Rule = Callable[[Item, Given], str]
"""Computes one attribute, a string. Raises NoValue."""


@dataclass(frozen=True)
class Backfill:
    """How the items of a table get their new attributes. The table carries it: see `schema.model.Table`.

    `rules` has a rule for each attribute; `reads` are the item's attributes that any rule looks at, so that a scan
    fetches only those and a write can insist that they are unchanged. With `sort_key`, only items that have exactly
    this sort key are in scope. With `newest_of`, `Given.newest` is filled from the records of the item's partition
    whose sort key begins so and ends in `#<ISO time>`.
    """

    rules: Mapping[str, Rule] = field(hash=False)
    reads: tuple[str, ...] = ()
    sort_key: str | None = None
    newest_of: str | None = None

    def __post_init__(self) -> None:
        if not self.rules:
            raise ValueError("a backfill without rules fills nothing")
        both = set(self.rules) & set(self.reads)
        if both:
            raise ValueError(f"a backfill cannot read what it writes: {', '.join(sorted(both))}")

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that this backfill adds, in order."""
        return tuple(self.rules)


@dataclass(frozen=True)
class Filled:
    """What an item gets: `values` by attribute, and for the attributes that got none, the reason."""

    values: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def fill(backfill: Backfill, item: Item, given: Given) -> Filled:
    """Applies the rules to the attributes that `item` lacks; those that it has are left as they are."""
    return apply_rules(backfill, item, given, [name for name in backfill.attributes if name not in item])


def apply_rules(backfill: Backfill, item: Item, given: Given, attributes: Iterable[str]) -> Filled:
    """What the rules give for these attributes, whatever the item has in them now."""
    values: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for attribute in attributes:
        try:
            values[attribute] = backfill.rules[attribute](item, given)
        except NoValue as reason:
            reasons[attribute] = str(reason)
    return Filled(values, reasons)


def text(item: Item, attribute: str) -> str | None:
    """The string in an attribute, or None if the item lacks it. Raises NoValue for what no index key may be: another
    type, or an empty string."""
    value = item.get(attribute)
    if value is None:
        return None
    if "S" not in value:
        raise NoValue(f"{attribute} is not a string")
    if not value["S"]:
        raise NoValue(f"{attribute} is an empty string")
    return str(value["S"])


def first_text(item: Item, *attributes: str) -> str | None:
    """The string in the first of the attributes that the item has. Raises NoValue as `text` does."""
    for attribute in attributes:
        found = text(item, attribute)
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class Constant:
    """A rule that gives every item the same value, whatever it holds."""

    value: str

    def __call__(self, item: Item, given: Given) -> str:  # noqa: ARG002  # every rule has the same signature
        return given.default(self.value)


def constant(value: str) -> Rule:
    """The rule that gives every item this value."""
    return Constant(value)
