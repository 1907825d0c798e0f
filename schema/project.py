"""What one team hands to the tool: nothing else of it knows a table by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from schema.backfill import Item
from schema.model import Schema


@dataclass(frozen=True)
class Project:
    """A team's tables. `name` is that in Pulumi.yaml, which is the namespace of the settings in stack files too.
    `data_set` gives the items of each existing table of the local stack, by the table's name in the schema.
    """

    name: str
    schema: Schema
    data_set: Mapping[str, Callable[[], Iterable[Item]]]
