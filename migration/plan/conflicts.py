"""What a plan refuses to touch: a table that is gone, live definitions unlike the schema's, and what others own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schema.errors import Refused
from schema.model import Index, Table
from schema.parts import Attribute
from stack.file.settings import Settings
from stack.ledger.records import TableProof
from stack.world.live import STREAM_VIEW_TYPE
from stack.world.world import World


def conflicts(table: Table, settings: Settings, world: World) -> Iterator[Refused]:
    """What stands against touching a table at all, each with what to do about it. Where the table is gone, or has other
    keys, nothing else is said of it."""
    live = world.live.get(table.name)
    known = table.existing or table.name in world.managed.tables or world.proofs.get(TableProof, table.name) is not None
    if live is None:
        if known:
            yield Refused(
                f"Table {table.name} does not exist.",
                "It was live before; creating it again would leave it empty.",
                "Restore it from its backup, or correct tablePrefix in the stack file."
                + ("" if table.existing else " If it may be forgotten, run: ./invoke rollback --new-tables"),
            )
        return
    if live.keys != table.keys:
        yield Refused(
            f"Table {table.name} has other keys than the schema says.",
            f"Live: {keys_text(live.keys)}; schema: {keys_text(table.keys)}. A table's keys cannot be changed.",
            "Correct the table in the schema.",
        )
        return
    for index in table.every_index:
        found = live.indexes.get(index.name)
        if found is None:
            continue
        if found.index.definition != index.definition:
            yield Refused(
                f"Index {table.ref(index)} is live with another definition.",
                f"Live: {_definition(found.index)}; schema: {_definition(index)}. An index cannot be changed.",
                "Declare the live definition, or give the changed index a new name, in the schema.",
            )
    if live.owner is not None and table.name not in settings.acknowledged_owners:
        yield Refused(
            f"Table {table.name} is managed by {live.owner}.",
            "Its tags say so. Two tools that manage one table undo each other's changes.",
            f"If that tool leaves it alone from now on, list {table.name} under acknowledgedOwners in the stack file.",
        )
    if live.stream not in {None, STREAM_VIEW_TYPE} and table.name not in settings.replace_streams:
        yield Refused(
            f"Table {table.name} already has a stream, with view type {live.stream}.",
            f"Somebody reads it; {STREAM_VIEW_TYPE} needs a new stream, with a new ARN.",
            f"If its readers can move, list {table.name} under replaceStreams in the stack file.",
        )


def keys_text(keys: Iterable[Attribute]) -> str:
    """Keys as a person reads them, such as `status (S), timestamp (S)`."""
    return ", ".join(f"{key.name} ({key.type})" for key in keys)


def _definition(index: Index) -> str:
    return f"{keys_text(index.keys)}, {index.projection.type}"
