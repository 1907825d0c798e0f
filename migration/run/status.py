"""What a look at a stack shows: each table and index with one word for where it is, the gates of the old indexes, and
what Pulumi would change."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from migration.session.context import Context
from migration.session.engine import Engine
from schema.errors import Refused
from schema.model import Schema, Table
from schema.references import IndexRef
from stack.allowed_changes import ResourceChange, refuse_unlisted
from stack.declaration import whole_with_imports
from stack.file.document import PROJECT_FILE
from stack.file.names import is_service
from stack.file.settings import Settings
from stack.gates.claims import Claim, failing
from stack.gates.gate import approved, gate
from stack.gates.late_writers import against_reading, is_verified, meets_late_writers, read_ready
from stack.ledger.codec import written
from stack.ledger.records import BackfillProof, IndexProof, ReadReadyProof
from stack.world.live import ACTIVE, LiveTable
from stack.world.managed import TABLE_TYPE
from stack.world.refusing import unsupported
from stack.world.world import World


@dataclass(frozen=True)
class ResourceStatus:
    """One table (`index` is None) or index: `state` is the word for it, `detail` the rest of the line."""

    table: str
    index: str | None
    state: str
    detail: str = ""


def status(schema: Schema, settings: Settings, world: World) -> list[ResourceStatus]:
    """Every table with its indexes, in the schema's order. Pure."""
    found: list[ResourceStatus] = []
    for table in schema:
        live = world.live.get(table.name)
        found.append(_table(table, live, world))
        found += [_index(table, index.name, live, world) for index in table.indexes]
        found += _retired(schema, table, settings, world)
    return found


def _table(table: Table, live: LiveTable | None, world: World) -> ResourceStatus:
    if live is None:
        return ResourceStatus(table.name, None, "missing", "new" if not table.existing else "it was live before")
    adopted = "in Pulumi's state" if table.name in world.managed.tables else "not adopted yet"
    details = [adopted, f"{live.item_count:,} items"]
    if table.backfilled:
        proven = world.proofs.get(BackfillProof, table.name) is not None
        details.append("backfilled" if proven else "backfill to do")
    details += [refusal.what for refusal in unsupported(live)]
    return ResourceStatus(table.name, None, live.status.lower(), ", ".join(details))


def _index(table: Table, name: str, live: LiveTable | None, world: World) -> ResourceStatus:
    index, found = table.index(name), live.indexes.get(name) if live else None
    if found is None:
        return ResourceStatus(table.name, name, "missing")
    if found.status != ACTIVE:
        building = found.status == "CREATING"
        return ResourceStatus(table.name, name, "building" if building else found.status.lower())
    if index.existing:
        return ResourceStatus(table.name, name, "active")
    proof = world.proofs.get(IndexProof, table.ref(index))
    verified = f"verified {written(proof.verified)}" if proof and proof.verified else "not yet verified"
    if not read_ready(table, index, live, world.proofs).holds:
        waits = meets_late_writers(table, index) and is_verified(table, index, world.proofs)
        return ResourceStatus(
            table.name, name, "built", against_reading(table.name, world.proofs) if waits else verified
        )
    ready = world.proofs.get(ReadReadyProof, table.ref(index))
    since = f", read-ready {written(ready.at)}" if ready and ready.at else ""
    return ResourceStatus(table.name, name, "read-ready", f"{verified}{since}")


def _retired(schema: Schema, table: Table, settings: Settings, world: World) -> Iterator[ResourceStatus]:
    for retired in table.retired:
        if world.live_index(retired.ref(table)) is None:
            gone = f"gone, replaced by {retired.replaced_by}"
            yield ResourceStatus(table.name, retired.name, "retired", gone)
            continue
        shut = failing(gate(schema, table, retired, settings, world))
        waiting = f"{shut[0].name}: {shut[0].evidence}" if shut else "its gate is open"
        more = f", and {len(shut) - 1} more" if len(shut) > 1 else ""
        yield ResourceStatus(table.name, retired.name, "awaiting removal", waiting + more)


@dataclass(frozen=True)
class Gate:
    """The gate of one retired index that is live, claim by claim."""

    ref: IndexRef
    claims: tuple[Claim, ...]

    @property
    def is_open(self) -> bool:
        return all(claim.holds for claim in self.claims)

    @property
    def next(self) -> str:
        """The command that goes on: that of the first claim that does not hold."""
        wanted = (claim.next for claim in self.claims if not claim.holds)
        return next(wanted, "") or "./invoke migrate"


def gates(context: Context, only: tuple[str | None, str | None] = (None, None)) -> list[Gate]:
    """The gates of all retired indexes that are live, of one table's, or one. Reads only. Raises ToolError."""
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    return [
        Gate(
            retired.ref(table),
            tuple(gate(context.schema, table, retired, context.config.settings, world)),
        )
        for table in context.schema
        for retired in table.retired
        if only[0] in {None, table.name} and only[1] in {None, retired.name}
        if table.name in world.live and retired.name in world.live[table.name].indexes
    ]


def previewed(context: Context, world: World) -> tuple[list[ResourceChange], Refused | None]:
    """What an `up` of the whole schema would change in that world, and why that is refused, if it is. Changes nothing.
    Raises ToolError."""
    declaration = whole_with_imports(context.schema, context.config.settings, world)
    removable = frozenset(
        str(retired.ref(table))
        for table in context.schema
        for retired in table.retired
        if approved(table, retired, context.config.settings)
    )
    planned: list[ResourceChange] = []

    def judge(changes: list[ResourceChange]) -> None:
        planned.extend(changes)
        # Of a table that would go with its indexes, the table is named.
        refuse_unlisted(sorted(changes, key=lambda change: change.type != TABLE_TYPE), declaration, removable)

    with nullcontext(context.engine) if world.managed.created else _for_a_new_stack(context) as engine:
        try:
            engine.preview(world.live, declaration, judge)
        except Refused as refusal:
            return planned, refusal
    return planned, None


@contextmanager
def _for_a_new_stack(context: Context) -> Iterator[Engine]:
    """An engine for a stack that was never created: Pulumi previews only a stack that there is, so one is made in a
    folder that is thrown away."""
    config = context.config
    with tempfile.TemporaryDirectory(prefix="keyshift-preview-") as directory:
        checkout, state = Path(directory), Path(directory) / "state"
        state.mkdir()
        for file in (config.stack_file, config.checkout / PROJECT_FILE):
            shutil.copyfile(file, checkout / file.name)
        # A stack of Pulumi's service needs none there; here it does, and there is nothing that it encrypts.
        passphrase = {"PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", "")}
        on_service = is_service(config.settings.backend)
        engine = context.engine.elsewhere(checkout, f"file://{state}", passphrase if on_service else {})
        engine.create_stack()
        context.reporter.noted(f"Stack {config.stack} was never created: this is what a first run would make of it.")
        yield engine
