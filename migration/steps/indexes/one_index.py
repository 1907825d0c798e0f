"""What all steps about one index have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from migration.steps.step import Step
from schema.model import Index, Table
from schema.references import IndexRef


@dataclass(frozen=True, kw_only=True)
class OfIndex(Step):
    """A step about one `index` of one `table`."""

    table: Table = field(repr=False)
    index: Index

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table.name,)

    @property
    def ref(self) -> IndexRef:
        return self.table.ref(self.index)
