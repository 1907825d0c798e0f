"""The schema model: what tables, indexes and access patterns should exist.

Everything here is frozen and refuses, on construction, what DynamoDB or the migration could not honour. Nothing here
knows AWS, Pulumi or a table of any project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schema.backfill import Backfill
from schema.digest import digest
from schema.parts import (
    EVERYTHING,
    Attribute,
    AttributeType,
    BillingMode,
    Projection,
    ProjectionType,
    SchemaError,
    Throughput,
    refuse_repeats,
)
from schema.references import IndexRef

MAXIMUM_INDEXES = 20
"""Global secondary indexes that one table may have (AWS service quota)."""

# DynamoDB's own rule for table and index names. Table names here are the part after the stack's prefix, which may be
# shorter than the three characters that the whole name needs.
_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")


@dataclass(frozen=True)
class Index:
    """A global secondary index.

    `existing` says that it was live before the migration; `throughput` is its steady capacity on a provisioned table
    (on an on-demand table AWS refuses one, so it is left out there).

    AWS allows up to four partition and four sort attributes. A live index may have them: the second and later ones are
    `more_partition_keys` and `more_sort_keys`. A table of the schema declares no such index yet.
    """

    name: str
    partition_key: Attribute
    sort_key: Attribute | None = None
    projection: Projection = EVERYTHING
    throughput: Throughput | None = None
    existing: bool = False
    more_partition_keys: tuple[Attribute, ...] = ()
    more_sort_keys: tuple[Attribute, ...] = ()

    def __post_init__(self) -> None:
        if not _INDEX_NAME.fullmatch(self.name):
            raise SchemaError(f"index {self.name!r}: a name is 3 to 255 letters, digits, '_', '-' or '.'")
        if self.sort_key is not None and self.sort_key.name == self.partition_key.name:
            raise SchemaError(f"index {self.name}: {self.sort_key.name} is both its partition key and its sort key")
        refuse_repeats(f"index {self.name}: key attribute", [key.name for key in self.keys])

    @property
    def partition_keys(self) -> tuple[Attribute, ...]:
        """Every attribute of its partition key, in order."""
        return (self.partition_key, *self.more_partition_keys)

    @property
    def sort_keys(self) -> tuple[Attribute, ...]:
        """Every attribute of its sort key, in order; () without one."""
        return self.more_sort_keys if self.sort_key is None else (self.sort_key, *self.more_sort_keys)

    @property
    def keys(self) -> tuple[Attribute, ...]:
        """The attributes of the partition key, then those of the sort key."""
        return self.partition_keys + self.sort_keys

    @property
    def has_several_attributes(self) -> bool:
        """Whether its partition key or its sort key is made of several attributes."""
        return bool(self.more_partition_keys or self.more_sort_keys)

    @property
    def definition(
        self,
    ) -> tuple[tuple[Attribute, ...], tuple[Attribute, ...], ProjectionType, frozenset[str]]:
        """What can never change under one name: its partition key, its sort key, and its projection, whose attributes
        have no order."""
        return self.partition_keys, self.sort_keys, self.projection.type, frozenset(self.projection.attributes)


@dataclass(frozen=True)
class RetiredIndex:
    """A live index that is to go once `replaced_by` is proven and its removal approved."""

    index: Index
    replaced_by: str

    @property
    def name(self) -> str:
        return self.index.name

    def ref(self, table: Table) -> IndexRef:
        """Its full name."""
        return IndexRef(table.name, self.name)


@dataclass(frozen=True)
class Table:
    """A table, its indexes, and what the migration adds to its items.

    `existing` tables are adopted as they are; the others are created. `backfill` gives its items the attributes that
    new indexes need, and nothing else ever writes to them. `throughput` is what a new table is created with; on an
    adopted table the live capacity stands and this figure is information. `ttl` is the attribute that holds an item's
    expiry time.
    """

    name: str
    partition_key: Attribute
    sort_key: Attribute | None = None
    billing_mode: BillingMode = BillingMode.PROVISIONED
    throughput: Throughput | None = None
    indexes: tuple[Index, ...] = ()
    retired: tuple[RetiredIndex, ...] = ()
    backfill: Backfill | None = None
    ttl: str | None = None
    existing: bool = False

    def __post_init__(self) -> None:
        if not _TABLE_NAME.fullmatch(self.name):
            raise SchemaError(f"table {self.name!r}: a name is 1 to 200 letters, digits, '_', '-' or '.'")
        where = f"table {self.name}"
        if self.sort_key is not None and self.sort_key.name == self.partition_key.name:
            raise SchemaError(f"{where}: {self.sort_key.name} is both its partition key and its sort key")
        self._check_capacity(where)
        self._check_indexes(where)
        self._check_types(where)
        if self.backfill is not None:
            self._check_backfill(self.backfill, where)

    @property
    def backfilled(self) -> tuple[str, ...]:
        """The attributes that its backfill adds; () without a backfill."""
        return self.backfill.attributes if self.backfill is not None else ()

    @property
    def keys(self) -> tuple[Attribute, ...]:
        """The partition key, then the sort key if there is one."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of its keys, partition key first."""
        return tuple(key.name for key in self.keys)

    @property
    def every_index(self) -> tuple[Index, ...]:
        """The declared indexes, then the retired ones."""
        return self.indexes + tuple(retired.index for retired in self.retired)

    @property
    def refs(self) -> tuple[IndexRef, ...]:
        """The full names of the declared indexes."""
        return tuple(self.ref(index) for index in self.indexes)

    def ref(self, index: Index) -> IndexRef:
        """The full name of one of its indexes."""
        return IndexRef(self.name, index.name)

    def index(self, name: str) -> Index:
        """The declared or retired index of that name. Raises KeyError."""
        return {index.name: index for index in self.every_index}[name]

    def needs_backfill(self, index: Index) -> bool:
        """Whether an item enters `index` only once the backfill has written one of its keys."""
        return any(key.name in self.backfilled for key in index.keys)

    def before(self) -> Table | None:
        """The table as it was before the migration, or None for a new one."""
        if not self.existing:
            return None
        live = tuple(index for index in self.every_index if index.existing)
        return Table(
            name=self.name,
            partition_key=self.partition_key,
            sort_key=self.sort_key,
            billing_mode=self.billing_mode,
            throughput=self.throughput,
            indexes=live,
            existing=True,
        )

    def _check_capacity(self, where: str) -> None:
        provisioned = self.billing_mode is BillingMode.PROVISIONED
        if provisioned and self.throughput is None:
            raise SchemaError(f"{where} is provisioned and declares no capacity")
        for name, throughput in [(where, self.throughput)] + [
            (f"{where}, index {index.name}", index.throughput) for index in self.every_index
        ]:
            if not provisioned and throughput is not None:
                raise SchemaError(f"{name}: the table is on demand, so it can have no provisioned capacity")
            if provisioned and throughput is None:
                raise SchemaError(f"{name}: the table is provisioned, so it needs a capacity of its own")

    def _check_indexes(self, where: str) -> None:
        for retired in self.retired:
            if any(retired.name == index.name for index in self.indexes):
                raise SchemaError(f"{where}, index {retired.name}: it is both declared and retired")
            if not retired.index.existing:
                raise SchemaError(f"{where}, index {retired.name}: only an existing index can be retired")
            if not any(retired.replaced_by == index.name for index in self.indexes):
                raise SchemaError(
                    f"{where}, index {retired.name}: it is replaced by {retired.replaced_by}, which is not declared"
                )
        refuse_repeats(f"{where}: index", [index.name for index in self.every_index])
        if len(self.every_index) > MAXIMUM_INDEXES:
            raise SchemaError(f"{where} has {len(self.every_index)} indexes; DynamoDB allows {MAXIMUM_INDEXES}")
        for index in self.every_index:
            if index.has_several_attributes:
                raise SchemaError(
                    f"{where}, index {index.name}: a key of several partition or sort attributes cannot be declared yet"
                )
            if index.existing and not self.existing:
                raise SchemaError(f"{where}, index {index.name}: an index of a new table cannot be an existing one")

    def _check_backfill(self, backfill: Backfill, where: str) -> None:
        if not self.existing:
            raise SchemaError(f"{where} is new, so it has no items to backfill {', '.join(self.backfilled)} on")
        for name in self.backfilled:
            if name in self.key_names:
                raise SchemaError(f"{where}: {name} is a key of the table and cannot be backfilled")
        has_text = self.sort_key is not None and self.sort_key.type is AttributeType.STRING
        if not has_text and (backfill.sort_key is not None or backfill.newest_of is not None):
            raise SchemaError(f"{where} has no sort key of type S, which its backfill asks for (sort_key or newest_of)")

    def _check_types(self, where: str) -> None:
        types = {key.name: key.type for key in self.keys}
        for index in self.every_index:
            for key in index.keys:
                if types.setdefault(key.name, key.type) is not key.type:
                    raise SchemaError(
                        f"{where}, index {index.name}: key attribute {key.name} has type {key.type} here "
                        f"and {types[key.name]} elsewhere in the table"
                    )
        if self.ttl is not None and self.ttl in types:
            raise SchemaError(f"{where}: the TTL attribute {self.ttl} cannot be a key attribute")


@dataclass(frozen=True)
class AccessPattern:
    """A read that the application depends on: a query of a table or of one of its indexes by partition key. While one
    reads a retired index, that one stays.

    `sort_key_prefix` narrows it to sort keys that begin so; `number` is its place among the core access patterns.
    `returns` are the attributes that the application uses of what comes back, `filters` those by which it filters it;
    () where that is not said.
    """

    name: str
    table: str
    index: str | None = None
    sort_key_prefix: str | None = None
    number: int | None = None
    returns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    """All tables of a stack and the access patterns that they serve; `notes` are added to every report."""

    tables: tuple[Table, ...]
    access_patterns: tuple[AccessPattern, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        refuse_repeats("the schema: table", [table.name for table in self.tables])
        refuse_repeats("the schema: access pattern", [pattern.name for pattern in self.access_patterns])
        by_name = {table.name: table for table in self.tables}
        for pattern in self.access_patterns:
            where = f"access pattern {pattern.name!r}"
            table = by_name.get(pattern.table)
            if table is None:
                raise SchemaError(f"{where} reads table {pattern.table}, which is not in the schema")
            if pattern.index is not None and pattern.index not in {index.name for index in table.every_index}:
                raise SchemaError(f"{where} reads index {pattern.index}, which {table.name} does not have")
            keys = table.keys if pattern.index is None else table.index(pattern.index).keys
            if pattern.sort_key_prefix is not None and (len(keys) < 2 or keys[1].type is AttributeType.NUMBER):
                raise SchemaError(f"{where} narrows by a prefix of the sort key, but what it reads has none of text")

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def table(self, name: str) -> Table:
        """The table of that name. Raises KeyError."""
        return {table.name: table for table in self.tables}[name]

    def index(self, ref: IndexRef) -> Index:
        """The declared or retired index of that name. Raises KeyError."""
        return self.table(ref.table).index(ref.index)

    def patterns_on(self, ref: IndexRef) -> tuple[AccessPattern, ...]:
        """The access patterns that read that index."""
        return tuple(one for one in self.access_patterns if (one.table, one.index) == (ref.table, ref.index))

    @property
    def every_ref(self) -> Iterator[IndexRef]:
        """The full names of all indexes, declared and retired."""
        return (table.ref(index) for table in self.tables for index in table.every_index)

    @property
    def index_count(self) -> int:
        """How many indexes the schema ends with."""
        return sum(len(table.indexes) for table in self.tables)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any change of the tables (not of the access patterns)."""
        return digest(self.tables)
