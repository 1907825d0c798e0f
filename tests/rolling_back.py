"""Rollbacks without Pulumi: an engine that keeps what it is asked to do, and indexes and tables made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from migration.session.engine import Engine, Judge
from schema.model import Index
from stack.allowed_changes import ResourceChange
from stack.declaration import Declaration
from stack.world.live import Live
from stack.world.managed import Managed
from tests.conftest import EmulatedStack


class RecordingEngine(Engine):
    """Stands for Pulumi: its state holds what the test says. `deletions` are those that each `up` was allowed;
    `on_up` is told of each."""

    def __init__(self, state: Managed | None = None) -> None:
        self.state = state or Managed()
        self.revision = 0
        self.ups = 0
        self.deletions: list[frozenset[str]] = []
        self.on_up: Callable[[frozenset[str]], None] = lambda deletions: None

    def managed(self) -> Managed:
        return self.state

    @contextmanager
    def in_run(self, command: str, run: str) -> Iterator[None]:
        yield

    def let_go(self) -> None: ...

    def end_orphans(self) -> None: ...

    def refresh(self) -> None: ...

    def preview(self, live: Live, declaration: Declaration, judge: Judge = lambda _: None) -> list[ResourceChange]:
        return []

    def up(self, live: Live, declaration: Declaration, deletions: frozenset[str] = frozenset()) -> list[ResourceChange]:
        self.ups += 1
        self.revision += 1
        self.deletions.append(deletions)
        self.on_up(deletions)
        return []


def build_index(stack: EmulatedStack, table: str, index: Index) -> None:
    """Creates an index with plain boto3."""
    physical = stack.config.physical_name(table)
    definitions: list[Any] = [*stack.client.describe_table(TableName=physical)["Table"]["AttributeDefinitions"]]
    definitions += [{"AttributeName": key.name, "AttributeType": key.type.value} for key in index.keys]
    creation: Any = {
        "IndexName": index.name,
        "KeySchema": [
            {"AttributeName": key.name, "KeyType": kind}
            for key, kind in zip(index.keys, ("HASH", "RANGE"), strict=False)
        ],
        "Projection": {"ProjectionType": index.projection.type.value},
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    }
    stack.client.update_table(
        TableName=physical, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": creation}]
    )
