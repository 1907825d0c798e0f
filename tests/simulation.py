"""A stack on which plans are tried: each step has its predicted effect, if it breaks no rule that no plan may break.

`Simulation.apply` raises AssertionError when a step would break one.
"""

from __future__ import annotations

from migration.plan.plan import plan
from migration.steps.indexes.create_index import CreateIndex
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.items.shadow_read import ShadowRead
from migration.steps.stack.verify import Verify
from migration.steps.stack.wait import Wait
from migration.steps.step import Step
from migration.steps.tables.adopt import Adopt
from migration.steps.tables.backup import Backup
from schema.model import Schema
from stack.file.settings import Settings
from stack.gates.claims import failing
from stack.gates.gate import backfill_proven, gate
from stack.gates.late_writers import is_verified
from stack.ledger.records import STACK, BackupProof, VerifiedProof
from stack.world.world import World


class Simulation:
    """One stack on its way to `schema`. `world` is what a reader would see now."""

    def __init__(self, schema: Schema, settings: Settings, world: World) -> None:
        self.schema = schema
        self.settings = settings
        self.world = world

    def start(self) -> None:
        """Begins a run: what was verified before is about to change."""
        if plan(self.schema, self.settings, self.world).steps:
            self.world = self.world.without_proofs(STACK, VerifiedProof)

    def apply(self, step: Step) -> None:
        """Does the step as AWS and Pulumi would."""
        self._assert_allowed(step)
        self.world = step.predicted(self.world)

    def _assert_allowed(self, step: Step) -> None:
        world = self.world
        if not step.ONLY_LOOKS and not isinstance(step, Wait | Backup | Verify):
            assert all(live.is_idle for live in world.live.values()), "AWS is still changing something"
        if step.NEEDS_BACKUP:
            for name in step.tables:
                proof = world.proofs.get(BackupProof, name)
                backed_up = proof is not None and proof.schema == self.schema.digest
                assert backed_up or not self.schema.table(name).existing, "no backup, no change"
        if isinstance(step, CreateIndex):
            assert set(world.live) <= world.managed.tables, "only an adopted table gets an index"
            assert step.index.name not in world.live[step.table.name].indexes
            proven = backfill_proven(step.table, world.proofs)
            assert proven or not step.table.needs_backfill(step.index), "the index would miss items"
        if isinstance(step, ShadowRead):
            assert is_verified(step.table, step.index, world.proofs)
        if isinstance(step, RemoveIndex):
            assert step.ref in world.managed.indexes, "Pulumi deletes only what its state holds"
            shut = failing(gate(self.schema, step.table, step.retired, self.settings, world))
            assert not shut, f"removed behind a shut gate: {shut}"
        if isinstance(step, Verify):
            for table in self.schema:
                assert {index.name for index in table.indexes} <= set(world.live[table.name].indexes)
        if isinstance(step, Adopt):
            assert step.names or world.managed.pending, "adopts nothing"
