"""The stack at a glance: each table and index with one word for where it is."""

from __future__ import annotations

from dataclasses import dataclass

from schema.model import Schema, Table
from stack.gates import gate
from stack.live import ACTIVE, LiveTable
from stack.managed import index_resource
from stack.settings import Settings
from stack.world import World


@dataclass(frozen=True)
class State:
    """One table (`index` is None) or index: `state` is the word for it, `detail` the rest of the line."""

    table: str
    index: str | None
    state: str
    detail: str = ""


def status(schema: Schema, settings: Settings, world: World) -> list[State]:
    """Every table with its indexes, in the schema's order. Pure."""
    states: list[State] = []
    for table in schema:
        live = world.live.get(table.name)
        states.append(_table(table, live, world))
        states += [_index(table, index.name, live, world) for index in table.indexes]
        states += _retired(table, settings, live, world)
    return states


def _table(table: Table, live: LiveTable | None, world: World) -> State:
    if live is None:
        return State(table.name, None, "missing", "new" if not table.existing else "it was live before")
    adopted = "in Pulumi's state" if table.name in world.managed.tables else "not adopted yet"
    backfill = world.proofs.of("backfill", table.name)
    details = [adopted, f"{live.item_count:,} items"]
    if table.backfilled:
        details.append("backfilled" if backfill else "backfill to do")
    return State(table.name, None, live.status.lower(), ", ".join(details))


def _index(table: Table, name: str, live: LiveTable | None, world: World) -> State:
    found = live.indexes.get(name) if live else None
    if found is None:
        return State(table.name, name, "missing")
    if found.status != ACTIVE:
        return State(table.name, name, "building" if found.status == "CREATING" else found.status.lower())
    proof = world.proofs.of("index", index_resource(table.name, name)) or {}
    return State(table.name, name, "active", f"verified {proof['verified']}" if "verified" in proof else "")


def _retired(table: Table, settings: Settings, live: LiveTable | None, world: World) -> list[State]:
    states: list[State] = []
    for retired in table.retired:
        found = live.indexes.get(retired.name) if live else None
        if found is None:
            states.append(State(table.name, retired.name, "retired", f"gone, replaced by {retired.replaced_by}"))
            continue
        shut = [c for c in gate(table, retired, settings, world.live, world.proofs) if not c.holds]
        waiting = "; ".join(condition.evidence for condition in shut)
        states.append(State(table.name, retired.name, "awaiting removal", waiting or "its gate is open"))
    return states
