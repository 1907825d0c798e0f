"""What a plan refuses to touch: a table that is gone, live definitions unlike the schema's, and what others own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schema.errors import Refused
from schema.model import MAXIMUM_INDEXES, Index, Table
from schema.parts import Attribute
from stack.file.settings import Settings
from stack.ledger.records import TableProof
from stack.world.live import DELETING, STREAM_VIEW_TYPE, LiveTable
from stack.world.owners import PULUMI, owner_of
from stack.world.refusing import global_table, unsupported
from stack.world.surroundings import Attached, Unknown
from stack.world.world import World


def conflicts(table: Table, settings: Settings, world: World) -> Iterator[Refused]:
    """What stands against touching a table at all, each with what to do about it. Where the table is gone, is nothing
    that keyshift handles, or has other keys, nothing else is said of it."""
    live = world.live.get(table.name)
    if live is None:
        if table.existing or _is_ours(table, world):
            yield Refused(
                f"Table {table.name} does not exist.",
                "It was live before; creating it again would leave it empty.",
                "Restore it from its backup, or correct tablePrefix in the stack file."
                + ("" if table.existing else " If it may be forgotten, run: ./invoke rollback --new-tables"),
            )
        return
    attached = world.surroundings.of(table.name)
    not_handled = list(unsupported(live))
    if not isinstance(attached.legacy_regions, Unknown) and attached.legacy_regions:
        not_handled.append(global_table(table.name, attached.legacy_regions))
    if not_handled:
        yield from not_handled
        return
    if live.keys != table.keys:
        yield Refused(
            f"Table {table.name} has other keys than the schema says.",
            f"Live: {keys_text(live.keys)}; schema: {keys_text(table.keys)}. A table's keys cannot be changed.",
            "Correct the table in the schema.",
        )
        return
    yield from _indexes(table, live)
    yield from _owner(table, live, settings, world)
    yield from _stream(table, live, attached, settings)


def strangers(world: World) -> Iterator[Refused]:
    """Tables and indexes that were moved into this stack's state: our program would delete them."""
    moved = world.managed.strangers
    if moved:
        yield Refused(
            f"Pulumi's state of this stack has what its program does not declare: {', '.join(moved)}.",
            "It was moved there from another stack. `pulumi up` would delete it in AWS.",
            "Move it back with `pulumi state move`; how a table is handed over: docs/moving.md.",
        )


def keys_text(keys: Iterable[Attribute]) -> str:
    """Keys as a person reads them, such as `status (S), timestamp (S)`."""
    return ", ".join(f"{key.name} ({key.type})" for key in keys)


def _is_ours(table: Table, world: World) -> bool:
    """Whether the table is in Pulumi's state of this stack, or proven in its ledger."""
    return table.name in world.managed.tables or world.proofs.get(TableProof, table.name) is not None


def _indexes(table: Table, live: LiveTable) -> Iterator[Refused]:
    for index in table.every_index:
        found = live.indexes.get(index.name)
        if found is not None and found.index.definition != index.definition:
            yield Refused(
                f"Index {table.ref(index)} is live with another definition.",
                f"Live: {_definition(found.index)}; schema: {_definition(index)}. An index cannot be changed.",
                "Declare the live definition, or give the changed index a new name, in the schema.",
            )
    there = {name for name, index in live.indexes.items() if index.status != DELETING}
    wanted = {index.name for index in table.indexes} - there
    if wanted and len(there | wanted) > MAXIMUM_INDEXES:
        known = {index.name for index in table.every_index}
        foreign = sorted(there - known)
        says = f"It has {len(there)}, and the schema adds {len(wanted)}."
        yield Refused(
            f"Table {table.name} would have {len(there | wanted)} indexes; DynamoDB allows {MAXIMUM_INDEXES}.",
            says + (f" Live and not in the schema: {', '.join(foreign)}." if foreign else ""),
            "Remove an index that nobody reads, or take one out of the schema.",
        )


def _owner(table: Table, live: LiveTable, settings: Settings, world: World) -> Iterator[Refused]:
    if live.owner is None or table.name in settings.acknowledged_owners:
        return
    another, how = live.owner, ""
    if live.owner.startswith(PULUMI):
        # The team's own tags say that of this stack's tables, too.
        ours = _is_ours(table, world) and (live.owner == PULUMI or not table.existing)
        if ours or (not table.existing and live.owner == owner_of(settings.tags)):
            return
        another = "another Pulumi program" if live.owner == PULUMI else live.owner
        how = " How a table leaves another Pulumi program: docs/moving.md."
    yield Refused(
        f"Table {table.name} is managed by {another}.",
        "Its tags say so. Two tools that manage one table undo each other's changes.",
        f"If that tool leaves it alone from now on, list {table.name} under acknowledgedOwners in the stack file.{how}",
    )


def _stream(table: Table, live: LiveTable, attached: Attached, settings: Settings) -> Iterator[Refused]:
    if live.stream in {None, STREAM_VIEW_TYPE} or table.name in {*settings.replace_streams, *settings.keep_stream}:
        return
    readers = attached.consumers
    if isinstance(readers, Unknown):
        said = "Somebody may read it"
    else:
        said = f"{', '.join(readers)} reads it" if readers else "Lambda reads it for nobody, but others may read it"
    yield Refused(
        f"Table {table.name} already has a stream, with view type {live.stream}.",
        f"{said}; {STREAM_VIEW_TYPE} needs a new stream, with a new ARN.",
        f"To leave it as it is, list {table.name} under keepStream in the stack file. If its readers can move, list "
        f"{table.name} under replaceStreams.",
    )


def _definition(index: Index) -> str:
    projection = index.projection.type
    if not index.has_several_attributes:
        return f"{keys_text(index.keys)}, {projection}"
    sort = f"; sort key {keys_text(index.sort_keys)}" if index.sort_keys else ""
    return f"partition key {keys_text(index.partition_keys)}{sort}; {projection}"
