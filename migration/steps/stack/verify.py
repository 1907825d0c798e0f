"""`verify`: the whole stack is as the schema says; or, at the end of a rollback, what that was to bring about is so in
AWS, in Pulumi's state and in the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from migration.checks.verify import backfill_check, verify
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.steps.step import OfTables, Step
from schema.errors import VerificationFailed
from schema.model import Schema, Table
from schema.references import IndexRef
from stack.declaration import present
from stack.gates.claims import Claim, failing
from stack.gates.late_writers import read_ready
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, VerifiedProof
from stack.world.managed import MONITOR_TYPES
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
        settings = context.config.settings
        checks = verify(partial(reader_of, context), context.schema, settings, world, context.reporter)
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
        return world.with_proof(VerifiedProof(subject=STACK, schema=self.schema.digest))

    def predicted(self, world: World) -> World:
        return self.effect(world)

    def told(self, facts: Facts) -> str:
        return f"{facts['checks']} checks hold"


def _all_ready(table: Table, world: World) -> bool:
    live = world.live.get(table.name)
    return all(read_ready(table, index, live, world.proofs).holds for index in table.indexes)


@dataclass(frozen=True, kw_only=True)
class VerifyRollback(OfTables):
    """Checks the `claims` of a rollback on the world as it is then, and that an `up` of what AWS has is no change."""

    ACTION = "verify"
    ONLY_LOOKS = True

    index: IndexRef | None = None
    claims: Callable[[Context, World], Iterable[Claim]] = field(repr=False, compare=False)

    @property
    def ref(self) -> IndexRef | None:
        return self.index

    def apply(self, context: Context, world: World) -> Facts:
        """See Step. Raises VerificationFailed."""
        changes = context.engine.preview(world.live, present(context.schema, world))
        # What monitors a table that somebody else has deleted goes with the next `up`.
        losing = [change.resource for change in changes if change.type not in MONITOR_TYPES]
        claims = [
            *self.claims(context, world),
            Claim("an `up` of what AWS has changes nothing", not losing, ", ".join(losing) or "no change"),
        ]
        failed = failing(claims)
        if failed:
            raise VerificationFailed(
                "The rollback is not what it should be.",
                f"It does not hold that {'; that '.join(claim.name for claim in failed)}.",
                context.command("plan"),
            )
        return {"checks": len(claims)}

    def effect(self, world: World) -> World:
        return world

    def told(self, facts: Facts) -> str:
        return f"{facts['checks']} checks hold"
