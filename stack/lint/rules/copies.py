"""Rules about what indexes copy, what that costs, and how much room is left."""

from __future__ import annotations

from collections.abc import Iterator

from schema.model import MAXIMUM_INDEXES
from schema.parts import ProjectionType
from stack.lint.finding import Found, Linted

MAXIMUM_PROJECTED = 100
"""Attributes that the INCLUDE projections of one table may name, each counted in each index (API of DynamoDB,
Projection: NonKeyAttributes)."""
ROOM = 2
"""Indexes that should still fit: a replacement is built beside what it replaces, and one of AWS's or a person's."""


def everything_on_writes(linted: Linted) -> Iterator[Found]:
    """A new index copies everything of a table that is written more than it is read."""
    for table, index, ref in linted.new_indexes:
        units = table.throughput
        if index.projection.type is ProjectionType.ALL and units is not None and units.write > units.read:
            yield Found(
                ref,
                f"{ref} copies all attributes of a table with {units.write} write units and {units.read} read units.",
                "Every change of any attribute is written to the index as well, in write units of the whole item.",
                "Copy only what its access patterns return: KEYS_ONLY, or INCLUDE with their names.",
            )


def keys_copied(linted: Linted) -> Iterator[Found]:
    """An INCLUDE projection names keys."""
    for table, index, ref in linted.new_indexes:
        keys = {key.name for key in (*table.keys, *index.keys)}
        named = [name for name in index.projection.attributes if name in keys]
        if named:
            yield Found(
                ref,
                f"The projection of {ref} names {', '.join(named)}, which it copies anyway.",
                "The keys of the table and of the index are in every index. AWS calls the list NonKeyAttributes, and "
                f"counts at most {MAXIMUM_PROJECTED} names in all indexes of a table.",
                "Take them out of the projection.",
            )


def too_many_copied(linted: Linted) -> Iterator[Found]:
    """The INCLUDE projections of a table name more attributes than AWS takes."""
    for table in linted.schema:
        named = sum(len(index.projection.attributes) for index in table.every_index)
        if named > MAXIMUM_PROJECTED:
            yield Found(
                table.name,
                f"The projections of {table.name} name {named} attributes; DynamoDB takes {MAXIMUM_PROJECTED}.",
                "An attribute counts in each index that names it. AWS refuses the index that goes beyond it, in the "
                "middle of a migration.",
                "Use ALL where an index names most attributes, or name fewer.",
            )


def copies_less(linted: Linted) -> Iterator[Found]:
    """An index copies less than the one that it replaces."""
    for table, old, ref in linted.retired:
        new = table.index(old.replaced_by)
        before, after = old.index.projection, new.projection
        if after.type is ProjectionType.ALL:
            continue
        kept = {*after.attributes, *(key.name for key in (*table.keys, *new.keys))}
        lost = [name for name in before.attributes if name not in kept]
        if lost or before.type is ProjectionType.ALL:
            yield Found(
                f"{table.name}/{new.name}",
                f"{new.name} replaces {ref.index}, and copies less: {', '.join(lost) or 'no longer everything'}.",
                "A reader that moves to it gets items without what it had before, and no error.",
                "Make sure that no reader needs it: name what each access pattern `returns`. Otherwise copy it.",
            )


def little_room(linted: Linted) -> Iterator[Found]:
    """A table has almost as many indexes as it may have."""
    for table in linted.schema:
        count = len(table.every_index)
        if count > MAXIMUM_INDEXES - ROOM:
            yield Found(
                table.name,
                f"{table.name} has {count} indexes, with the retired ones; DynamoDB allows {MAXIMUM_INDEXES}.",
                "A replacement is built beside the index that it replaces, so the next change may not fit.",
                "Retire an index that no access pattern reads, before you add one.",
            )


def writes_less(linted: Linted) -> Iterator[Found]:
    """A new index has fewer write units than its table."""
    for table, index, ref in linted.new_indexes:
        if table.throughput and index.throughput and index.throughput.write < table.throughput.write:
            yield Found(
                ref,
                f"{ref} has {index.throughput.write} write units, and its table {table.throughput.write}.",
                "Once an index has used up its write units, the writes to its table are throttled. While it is built "
                "it has more; this is what it keeps.",
                "Give it as many as the table writes into it; or accept this, if few writes touch what it copies.",
            )


def expiry_as_text(linted: Linted) -> Iterator[Found]:
    """A backfill fills the attribute that holds the expiry time, with a text."""
    for table in linted.schema:
        if table.ttl is not None and table.ttl in table.backfilled:
            yield Found(
                table.name,
                f"The backfill of {table.name} fills {table.ttl}, by which items expire.",
                "A backfill writes texts, and DynamoDB lets an item expire only by a number of seconds since 1970.",
                f"Take {table.ttl} out of the backfill.",
            )
