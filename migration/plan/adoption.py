"""When the live tables have to be adopted, wholly or again."""

from __future__ import annotations

from collections.abc import Iterator

from migration.steps.step import Step
from migration.steps.tables.adopt import Adopt
from schema.model import Schema, Table
from stack.ledger.records import TableProof
from stack.world.live import STREAM_VIEW_TYPE, LiveTable, will_be_live
from stack.world.world import World


def adoption(schema: Schema, world: World) -> Iterator[Step]:
    """One step for all tables: everything live into Pulumi's state, and streams, recovery and protection on."""
    reasons = {table.name: wanted for table in schema if (wanted := _wanted(table, world))}
    told = [f"{name}: {', '.join(wanted)}" for name, wanted in reasons.items()]
    if world.managed.pending:
        told.append("clear what a killed run left pending")
    if told:
        yield Adopt(schema=schema, names=tuple(reasons), why="; ".join(told))


def _wanted(table: Table, world: World) -> list[str]:
    live = world.live.get(table.name)
    if live is None:
        return []
    there = {table.ref(index) for index in table.every_index if will_be_live(live, index.name)}
    known = {ref for ref in world.managed.indexes if ref.table == table.name and ref.index in _names(table)}
    proof = world.proofs.get(TableProof, table.name)
    wanted = []
    if table.name not in world.managed.tables or there - known:
        wanted.append("import")
    if known - there:
        wanted.append("forget what is gone from AWS")
    wanted += _unprotected(table, live, had_stream=live.stream is not None or bool(proof and proof.stream))
    if proof is None:
        wanted.append("record")
    return wanted


def _names(table: Table) -> set[str]:
    return {index.name for index in table.every_index}


def _unprotected(table: Table, live: LiveTable, *, had_stream: bool) -> list[str]:
    wanted = []
    if live.stream != STREAM_VIEW_TYPE:
        wanted.append("stream, with another ARN than before" if had_stream else "stream")
    if not live.point_in_time_recovery:
        wanted.append("point-in-time recovery")
    if not live.deletion_protection:
        wanted.append("deletion protection")
    if table.ttl and live.ttl != table.ttl:
        wanted.append("TTL")
    return wanted
