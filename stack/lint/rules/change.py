"""Rules about a change of the schema: they compare it with that of another commit, where one is named."""

from __future__ import annotations

from collections.abc import Iterator

from stack.lint.earlier import facts
from stack.lint.finding import Found, Linted


def changed_in_place(linted: Linted) -> Iterator[Found]:
    """An index has other keys or another projection under the same name."""
    if linted.earlier is None:
        return
    now = facts(linted.schema)
    before = {**linted.earlier.declared, **linted.earlier.retired}
    for ref, definition in {**now["declared"], **now["retired"]}.items():
        if before.get(ref, definition) != definition:
            yield Found(
                ref,
                f"{ref} is {definition}, and was {before[ref]} at {linted.earlier.commit}.",
                "An index cannot be changed. Under the same name it would be removed and added, and missing until it "
                "is built anew; where it is live, every run refuses that.",
                "Give the changed index a new name, and retire the old one.",
            )


def left_out(linted: Linted) -> Iterator[Found]:
    """A table or an index is no longer in the schema, and was not retired."""
    if linted.earlier is None:
        return
    tables = {table.name for table in linted.schema}
    now = {str(ref) for ref in linted.schema.every_ref}
    for name in linted.earlier.tables:
        if name not in tables:
            yield Found(
                name,
                f"Table {name} is no longer in the schema, and was at {linted.earlier.commit}.",
                "What Pulumi's state holds of it is no longer declared, so each `up` is refused.",
                "Put it back. How a table leaves a stack: docs/moving.md.",
            )
    for ref in linted.earlier.declared:
        if ref not in now and ref.partition("/")[0] in tables:
            yield Found(
                ref,
                f"Index {ref} is no longer in the schema, and was at {linted.earlier.commit}.",
                "An index goes only behind its gate, and what is not in the schema has none. If it is live it stays, "
                "or each `up` is refused.",
                "Put it among the table's `retired`, with the index that replaces it.",
            )
