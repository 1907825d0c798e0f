"""Rules about the keys of indexes: what is in them, how it is spread, and whether two indexes are one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from schema.backfill import Constant
from schema.parts import AttributeType
from stack.lint.finding import Found, Linted

_DATED = re.compile(r"^(date|time|timestamp)|(Date|Time|Timestamp|At|On)$|_(date|time|timestamp|at|on)$")
"""Names that are usual for an attribute that holds a date or a time."""


def hot_by_design(linted: Linted) -> Iterator[Found]:
    """A backfill gives every item the same partition key value of a new index."""
    for table, index, ref in linted.new_indexes:
        rule = table.backfill.rules.get(index.partition_key.name) if table.backfill else None
        if isinstance(rule, Constant) and table.ref(index) not in linted.config.settings.accepted_hot_keys:
            yield Found(
                ref,
                f"The backfill gives {index.partition_key.name}, the partition key of {ref}, the one value "
                f"{rule.value!r}.",
                "One value is one partition, which takes 1,000 writes a second; above that the table's own writes are "
                "throttled. A run measures the share of the commonest value, and stops above 20 % before it creates "
                "the index.",
                "Choose a key of more values, or say in acceptedHotKeys which share is accepted.",
            )


def text_as_number(linted: Linted) -> Iterator[Found]:
    """A key that is no text is filled by a backfill, which writes texts."""
    for table, index, ref in linted.indexes:
        for key in index.keys:
            if key.name in table.backfilled and key.type is not AttributeType.STRING:
                yield Found(
                    ref,
                    f"The backfill fills {key.name} with texts, and {ref} declares it with type {key.type.value}.",
                    "DynamoDB leaves items whose key attribute has another type out of an index without a word, and "
                    "refuses to write such items once it is built.",
                    f"Declare {key.name} with type S, or let the application write it.",
                )


def number_as_date(linted: Linted) -> Iterator[Found]:
    """A key that is named like a date is declared as a number."""
    for _, index, ref in linted.new_indexes:
        for key in index.keys:
            if key.type is AttributeType.NUMBER and _DATED.search(key.name):
                yield Found(
                    ref,
                    f"{key.name} is named like a date or a time, and {ref} declares it as a number.",
                    "An item that holds a text there, such as 2025-11-04, is left out of the index without a word, and "
                    "cannot be written any more once the index is built.",
                    "Look at the live items: declare it with type S if they hold texts; accept this if they hold "
                    "seconds since 1970.",
                )


def sparse(linted: Linted) -> Iterator[Found]:
    """A new index of a live table has a key attribute that nothing gives to all items."""
    for table, index, ref in linted.new_indexes:
        natural = [key.name for key in index.keys if key.name not in {*table.key_names, *table.backfilled}]
        if table.existing and natural:
            yield Found(
                ref,
                f"Items of {table.name} without {' or '.join(natural)} will not be in {ref}.",
                "An index holds only items that have all of its keys. Nothing fails when one lacks them: it is not "
                "found, and that is all.",
                "Give the table's backfill a rule for it; or accept this, if such items should not be found.",
            )


def same_keys(linted: Linted) -> Iterator[Found]:
    """Two indexes of a table have the same keys."""
    for table in linted.schema:
        for one, other in combinations(table.indexes, 2):
            if one.keys == other.keys:
                yield Found(
                    str(table.ref(other)),
                    f"{other.name} has the same keys as {one.name}.",
                    "Each write pays for both, each is built by itself, and one index of both projections would "
                    "answer every query.",
                    "Make them one index that copies what both copy.",
                )


def could_be_one(linted: Linted) -> Iterator[Found]:
    """Of two indexes with one partition key, one has a sort key besides."""
    for table in linted.schema:
        for one in table.indexes:
            longer = [other.name for other in table.indexes if other.keys[:-1] == one.keys]
            if longer and one.sort_key is None:
                yield Found(
                    str(table.ref(one)),
                    f"{longer[0]} answers what {one.name} does: it has the same partition key, and a sort key.",
                    "Two index changes where one would do: each takes its own build, and each write pays for both.",
                    f"Read {longer[0]} in its place; or accept this, if items without "
                    f"{table.index(longer[0]).keys[1].name} have to be found, or if {one.name} copies more.",
                )


def table_again(linted: Linted) -> Iterator[Found]:
    """An index has the keys of its table."""
    for table, index, ref in linted.indexes:
        if index.keys == table.keys:
            yield Found(
                ref,
                f"{ref} has the keys of its table.",
                "It answers no query that the table does not answer, and consistent reads of an index do not exist.",
                "Read the table, or give the index other keys.",
            )
