"""What one team hands to the tool. Everything else gets it from there, and imports no project by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from schema.backfill import Item
from schema.model import Schema
from schema.parts import SchemaError


@dataclass(frozen=True)
class Project:
    """A team's tables. `name` is the one in Pulumi.yaml, and the namespace of the settings in stack files.

    `data_set` gives the items that the local stack begins with, by the name of an existing table; without them a table
    begins empty.
    """

    name: str
    schema: Schema
    data_set: Mapping[str, Callable[[], Iterable[Item]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        existing = {table.name for table in self.schema if table.existing}
        unknown = sorted(set(self.data_set) - existing)
        if unknown:
            raise SchemaError(f"the data set has items for {', '.join(unknown)}, which is no existing table")

    def items_of(self, table: str) -> Iterable[Item]:
        """The items with which that table begins on the local stack."""
        return self.data_set[table]() if table in self.data_set else ()
