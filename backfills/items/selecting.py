"""Which items a backfill reads, and which attributes of them. The server filters them."""

from __future__ import annotations

from collections.abc import Iterable

from backfills.items.target import Target
from dynamo.expressions import Expressions


def needing_work(target: Target) -> Expressions:
    """Items in scope that lack an attribute of the backfill, or hold in an index key what may not fit there."""
    wanted = every_value(target)
    conditions = [wanted.lacks(attribute) for attribute in target.backfill.attributes]
    conditions += [f"({wanted.exists(name)} AND NOT ({wanted.fits(key)}))" for name, key in target.index_keys.items()]
    return _any_of(conditions, wanted)


def filled(target: Target) -> Expressions:
    """Items in scope that have any attribute of the backfill: those whose value may have gone stale."""
    wanted = _in_scope(target, target.backfill.attributes)
    return _any_of([wanted.exists(attribute) for attribute in target.backfill.attributes], wanted)


def every_value(target: Target) -> Expressions:
    """All items in scope, with the attributes that the backfill adds and reads, and the new indexes' keys."""
    return _in_scope(target, (*target.backfill.attributes, *target.index_keys))


def _in_scope(target: Target, attributes: Iterable[str]) -> Expressions:
    backfill = target.backfill
    wanted = Expressions((*target.keys, *attributes, *backfill.reads))
    if backfill.sort_key is not None:
        wanted.filter = wanted.equals(target.keys[1], {"S": backfill.sort_key})
    return wanted


def _any_of(conditions: list[str], wanted: Expressions) -> Expressions:
    condition = " OR ".join(conditions)
    wanted.filter = f"{wanted.filter} AND ({condition})" if wanted.filter else condition
    return wanted
