"""Rules about access patterns: who reads an index, and whether it can answer."""

from __future__ import annotations

from collections.abc import Iterator

from schema.model import Index, Table
from schema.parts import ProjectionType
from stack.lint.finding import Found, Linted


def reads_retired(linted: Linted) -> Iterator[Found]:
    """An access pattern reads an index that is to go."""
    for _, old, ref in linted.retired:
        for pattern in linted.schema.patterns_on(ref):
            yield Found(
                str(ref),
                f"Access pattern {pattern.name!r} reads {ref}, which is retired.",
                "While a pattern reads it, its gate stays shut.",
                f"Let the pattern read {ref.table}/{old.replaced_by} or the table once the application does, or keep "
                "the index.",
                declared=pattern.name,
            )


def approved_and_read(linted: Linted) -> Iterator[Found]:
    """The stack file says that nobody reads an index, and the schema says who does."""
    for _, _, ref in linted.retired:
        patterns = [pattern.name for pattern in linted.schema.patterns_on(ref)]
        if patterns and ref in linted.config.settings.approvals:
            yield Found(
                str(ref),
                f"The removal of {ref} is approved, and the schema says that it is read by: {', '.join(patterns)}.",
                "The approval states that the application no longer reads it. One of the two is wrong.",
                "Take the pattern off the index in the schema, or the approval out of the stack file.",
                setting=("approvals", str(ref)),
            )


def unread(linted: Linted) -> Iterator[Found]:
    """No access pattern reads an index."""
    for table, index, ref in linted.indexes:
        if not linted.schema.patterns_on(table.ref(index)):
            yield Found(
                ref,
                f"No access pattern reads {ref}.",
                "Each write pays for an index. Without a pattern, shadow reads cannot ask it what the application "
                "will, and nobody can tell later whether it may go.",
                "Declare the access pattern that reads it, or retire the index.",
            )


def not_projected(linted: Linted) -> Iterator[Found]:
    """An access pattern needs attributes that its index does not copy."""
    for pattern in linted.schema.access_patterns:
        if pattern.index is None:
            continue
        table = linted.schema.table(pattern.table)
        index = table.index(pattern.index)
        needed = dict.fromkeys((*pattern.returns, *pattern.filters))
        lacking = [name for name in needed if not _projects(table, index, name)]
        if lacking:
            yield Found(
                pattern.name,
                f"Access pattern {pattern.name!r} needs {', '.join(lacking)}, which {table.ref(index)} does not copy.",
                "A query of a global index gets only what the index copies, and a filter on anything else matches no "
                "item.",
                "Copy the attributes, in an index of a new name; or read the items from the table by their keys.",
            )


def filters(linted: Linted) -> Iterator[Found]:
    """An access pattern filters by what could be a key."""
    for pattern in linted.schema.access_patterns:
        table = linted.schema.table(pattern.table)
        keys = table.keys if pattern.index is None else table.index(pattern.index).keys
        by = [name for name in pattern.filters if name not in {key.name for key in keys}]
        if by and len(keys) < 2:
            yield Found(
                pattern.name,
                f"Access pattern {pattern.name!r} filters by {', '.join(by)}, and what it reads has no sort key.",
                "A filter is applied after the read: each item that it drops was read and paid for. A condition on a "
                "sort key reads only what it returns.",
                f"Make {by[0]} the sort key of the index, under a new name, if many items are dropped.",
            )


def _projects(table: Table, index: Index, attribute: str) -> bool:
    keys = {key.name for key in (*table.keys, *index.keys)}
    return index.projection.type is ProjectionType.ALL or attribute in keys or attribute in index.projection.attributes
