"""Names of what the schema holds: an index is known by its table and its own name, everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class IndexRef:
    """One index: the name of its table in the schema, and its own. As text it is `table/index`, which is its name in
    the Pulumi program, in the ledger and in stack files: no table or index has a slash in its name.
    """

    table: str
    index: str

    def __str__(self) -> str:
        return f"{self.table}/{self.index}"

    @staticmethod
    def parse(text: str) -> IndexRef:
        """Reads `table/index`. Raises ValueError for any other text."""
        if not IndexRef.is_one(text):
            raise ValueError("an index is named as its table, a slash, and its own name")
        table, _, index = text.partition("/")
        return IndexRef(table, index)

    @staticmethod
    def is_one(text: str) -> bool:
        """Whether it reads `table/index`."""
        table, _, index = text.partition("/")
        return bool(table and index)


Subject = str | IndexRef
"""What a proof or an alarm is about: a table (its name in the schema) or an index."""


def table_of(subject: Subject) -> str:
    """The table of a subject, by its name in the schema."""
    return subject.table if isinstance(subject, IndexRef) else subject
