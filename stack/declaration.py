"""Which resources one run of the Pulumi program declares: all of them, or a stage of the way there.

A migration never uses `--target`. It declares what is live, plus the one thing that the step is about; so each `up`
sees the whole stack, and nothing in it is ever half-looked-at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from schema.model import Schema, Table
from stack.file.settings import Settings
from stack.gates.gate import approved
from stack.world.live import Live
from stack.world.managed import index_resource
from stack.world.world import World


@dataclass(frozen=True)
class Declaration:
    """Resource names, as in `stack.managed`: tables, indexes, and which of them to import.

    `settle` are the indexes whose capacity this run sets to its steady figure; `released` are the tables whose
    protection against deletion it takes off. `imports` may name only what AWS has and Pulumi's state lacks: on an index
    already in the state it would plan a replacement, and drop it.
    """

    tables: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    settle: frozenset[str] = frozenset()
    released: frozenset[str] = frozenset()

    def with_tables(self, tables: list[Table]) -> Declaration:
        """Also these tables, each with all of its indexes."""
        indexes = {index_resource(table.name, index.name) for table in tables for index in table.indexes}
        return replace(self, tables=self.tables | {table.name for table in tables}, indexes=self.indexes | indexes)

    def without_tables(self, tables: list[Table]) -> Declaration:
        """No longer these tables, nor any of their indexes: `up` deletes those that were released before."""
        names = {table.name for table in tables}
        indexes = {index_resource(table.name, index.name) for table in tables for index in table.every_index}
        return replace(
            self, tables=self.tables - names, indexes=self.indexes - indexes, imports=self.imports - names - indexes
        )

    def releasing(self, tables: list[Table]) -> Declaration:
        """With the protection of these tables taken off."""
        return replace(self, released=frozenset(table.name for table in tables))

    def with_index(self, resource: str) -> Declaration:
        """Also this index."""
        return replace(self, indexes=self.indexes | {resource})

    def without_index(self, resource: str) -> Declaration:
        """No longer this index: `up` deletes it."""
        return replace(self, indexes=self.indexes - {resource}, imports=self.imports - {resource})

    def settling(self, resources: frozenset[str]) -> Declaration:
        """With the capacity of these indexes set to its steady figure."""
        return replace(self, settle=resources)


def present(schema: Schema, world: World) -> Declaration:
    """What AWS has of the schema, retired indexes included; what Pulumi's state lacks of it is imported."""
    tables = frozenset(table.name for table in schema if table.name in world.live)
    indexes = frozenset(
        index_resource(table.name, index.name)
        for table in schema
        if table.name in world.live
        for index in table.every_index
        if index.name in world.live[table.name].indexes
    )
    imports = (tables - world.managed.tables) | (indexes - world.managed.indexes)
    return Declaration(tables=tables, indexes=indexes, imports=imports)


def whole(schema: Schema, settings: Settings, live: Live) -> Declaration:
    """The whole schema, with those retired indexes that are live and not approved to go. Imports nothing."""
    kept = frozenset(
        index_resource(table.name, retired.name)
        for table in schema
        for retired in table.retired
        if table.name in live and retired.name in live[table.name].indexes and not approved(table, retired, settings)
    )
    declared = Declaration().with_tables(list(schema))
    return replace(declared, indexes=declared.indexes | kept)


def whole_with_imports(schema: Schema, settings: Settings, world: World) -> Declaration:
    """The whole schema as a preview shows it: what is live and not in Pulumi's state is imported first.

    An approved retired index that was never adopted stays declared: leaving out what is not in the state deletes
    nothing.
    """
    now = present(schema, world)
    all_of_it = whole(schema, settings, world.live)
    return replace(
        all_of_it,
        indexes=all_of_it.indexes | (now.imports & now.indexes),
        imports=now.imports,
    )
