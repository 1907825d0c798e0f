"""Which resources one run of the Pulumi program declares: all of them, or a stage of the way there.

A migration never uses `--target`. It declares what is live, plus the one thing that the step is about. So each `up`
sees the whole stack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from schema.model import Schema, Table
from schema.references import IndexRef
from stack.file.settings import Settings
from stack.gates.gate import approved
from stack.world.live import Live
from stack.world.world import World, live_refs


@dataclass(frozen=True)
class Declaration:
    """What is declared: tables by their names in the schema, indexes, and which of both are imported.

    `own` are the tables of our own making, and `expiring` those whose expiry the schema sets. `settle` are the indexes
    whose capacity this run sets to its steady figure; `released` are the tables whose protection against deletion it
    takes off. A preview of what is `only_shown` may show what is not allowed yet. Imports may name only what AWS has
    and Pulumi's state lacks: on an index that is in the state already, an import would plan a replacement, and drop it.
    """

    tables: frozenset[str] = frozenset()
    indexes: frozenset[IndexRef] = frozenset()
    imported_tables: frozenset[str] = frozenset()
    imported_indexes: frozenset[IndexRef] = frozenset()
    settle: frozenset[IndexRef] = frozenset()
    released: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    expiring: frozenset[str] = frozenset()
    only_shown: bool = False

    @property
    def has_imports(self) -> bool:
        """Whether anything is imported."""
        return bool(self.imported_tables or self.imported_indexes)

    def with_tables(self, tables: Iterable[Table]) -> Declaration:
        """Also these tables, each with all of its indexes."""
        added = list(tables)
        return replace(
            self,
            tables=self.tables | {table.name for table in added},
            indexes=self.indexes | {ref for table in added for ref in table.refs},
            own=self.own | {table.name for table in added if not table.existing},
            expiring=self.expiring | {table.name for table in added if table.ttl},
        )

    def without_tables(self, tables: Iterable[Table]) -> Declaration:
        """No longer these tables, nor any of their indexes: `up` deletes those that were released before."""
        names = {table.name for table in tables}
        return replace(
            self,
            tables=self.tables - names,
            indexes=frozenset(ref for ref in self.indexes if ref.table not in names),
            imported_tables=self.imported_tables - names,
            imported_indexes=frozenset(ref for ref in self.imported_indexes if ref.table not in names),
        )

    def releasing(self, tables: Iterable[Table]) -> Declaration:
        """With the protection of these tables taken off."""
        return replace(self, released=frozenset(table.name for table in tables))

    def with_index(self, ref: IndexRef) -> Declaration:
        """Also this index."""
        return replace(self, indexes=self.indexes | {ref})

    def without_index(self, ref: IndexRef) -> Declaration:
        """No longer this index: `up` deletes it."""
        return replace(self, indexes=self.indexes - {ref}, imported_indexes=self.imported_indexes - {ref})

    def settling(self, refs: Iterable[IndexRef]) -> Declaration:
        """With the capacity of these indexes set to its steady figure."""
        return replace(self, settle=frozenset(refs))


def present(schema: Schema, world: World) -> Declaration:
    """What AWS has of the schema, retired indexes included; what Pulumi's state lacks of it is imported."""
    tables = frozenset(table.name for table in schema if table.name in world.live)
    indexes = live_refs(world.live, schema.every_ref)
    return Declaration(
        tables=tables,
        indexes=indexes,
        imported_tables=tables - world.managed.tables,
        imported_indexes=indexes - world.managed.indexes,
        own=frozenset(table.name for table in schema if not table.existing),
        expiring=frozenset(table.name for table in schema if table.ttl),
    )


def whole(schema: Schema, settings: Settings, live: Live) -> Declaration:
    """The whole schema, with those retired indexes that are live and not approved to go. Imports nothing."""
    kept = live_refs(
        live,
        (retired.ref(table) for table in schema for retired in table.retired if not approved(table, retired, settings)),
    )
    declared = Declaration().with_tables(schema)
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
        indexes=all_of_it.indexes | now.imported_indexes,
        imported_tables=now.imported_tables,
        imported_indexes=now.imported_indexes,
    )
