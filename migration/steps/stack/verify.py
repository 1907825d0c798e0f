"""`verify`: the whole stack is as the schema says."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from migration.checks.verify import backfill_check, verify
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.steps.step import Step
from schema.errors import VerificationFailed
from schema.model import Schema, Table
from stack.gates.claims import failing
from stack.gates.late_writers import read_ready
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, VerifiedProof
from stack.world.world import World

SHOWN = 5
"""Failed checks that an error names."""


@dataclass(frozen=True, kw_only=True)
class Verify(Step):
    """Reads the stack against the schema, down to its items, and proves it. Changes nothing else."""

    ACTION = "verify"

    schema: Schema = field(repr=False)

    @property
    def tables(self) -> tuple[str, ...]:
        return ()

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises VerificationFailed."""
        accepted = context.config.settings.accepted_violations
        checks = verify(partial(reader_of, context), context.schema, accepted, world, context.reporter)
        # Items that late writers leave out are filled by the scans for them, and keep an index from being read-ready.
        scanned = {backfill_check(table) for table in context.schema if not _all_ready(table, world)}
        failed = [check for check in failing(checks) if check.name not in scanned]
        if failed:
            raise VerificationFailed(
                f"{len(failed)} of {len(checks)} checks failed.",
                "; ".join(f"{check.name}: {check.evidence}" for check in failed[:SHOWN]),
                context.command("verify"),
            )
        context.ledger.prove(VerifiedProof(subject=STACK, checks=len(checks), schema=context.schema.digest))
        return {"checks": len(checks), "schema": context.schema.digest}

    def effect(self, world: World) -> World:
        """See Step."""
        return world.with_proof(VerifiedProof(subject=STACK, schema=self.schema.digest))

    def predicted(self, world: World) -> World:
        """See Step."""
        return self.effect(world)

    def told(self, facts: Facts) -> str:
        """See Step."""
        return f"{facts['checks']} checks hold"


def _all_ready(table: Table, world: World) -> bool:
    live = world.live.get(table.name)
    return all(read_ready(table, index, live, world.proofs).holds for index in table.indexes)
