"""The stack at a glance: each table and index with one word for where it is."""

from __future__ import annotations

from dataclasses import dataclass

from schema.model import Schema, Table
from stack.file.settings import Settings
from stack.gates.gate import gate
from stack.gates.late_writers import read_ready
from stack.world.live import ACTIVE, LiveTable
from stack.world.managed import index_resource
from stack.world.world import World


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
        states += _retired(schema, table, settings, world)
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
    index = table.index(name)
    if index.existing:
        return State(table.name, name, "active")
    resource = index_resource(table.name, name)
    proof = world.proofs.of("index", resource) or {}
    ready, evidence = read_ready(table, index, live, world.proofs)
    verified = f"verified {proof['verified']}" if "verified" in proof else "not yet verified"
    if ready:
        since = (world.proofs.of("read-ready", resource) or {}).get("at")
        return State(table.name, name, "read-ready", f"{verified}, read-ready {since}" if since else verified)
    return State(table.name, name, "built", evidence.partition("; ")[2] or verified)


def _retired(schema: Schema, table: Table, settings: Settings, world: World) -> list[State]:
    states: list[State] = []
    live = world.live.get(table.name)
    for retired in table.retired:
        found = live.indexes.get(retired.name) if live else None
        if found is None:
            states.append(State(table.name, retired.name, "retired", f"gone, replaced by {retired.replaced_by}"))
            continue
        shut = [one for one in gate(schema, table, retired, settings, world) if not one.holds]
        waiting = f"{shut[0].name}: {shut[0].evidence}" if shut else "its gate is open"
        more = f", and {len(shut) - 1} more" if len(shut) > 1 else ""
        states.append(State(table.name, retired.name, "awaiting removal", waiting + more))
    return states
