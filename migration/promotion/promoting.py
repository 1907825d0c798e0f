"""Promoting: what another stack has attested is judged, and what would change is shown, before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migration.plan.result import Plan
from migration.run.runner import attested, plan_of
from migration.run.status import preview
from migration.session.context import Context
from schema.errors import UsageError
from stack.allowed_changes import ResourceChange
from stack.gates.claims import Claim


@dataclass(frozen=True)
class Promotion:
    """A promotion that nothing stands against: what was attested of the other stack, the steps that the stack still
    needs, and what Pulumi would change. Nothing was changed yet."""

    claims: tuple[Claim, ...]
    plan: Plan
    changes: list[ResourceChange]


def promotion(context: Context, source: str, attestation: Path | None) -> Promotion:
    """What a promotion from the stack `source` to this one would do. Raises UsageError where this one does not promote
    from it, Waiting and Refused as `migrate` does."""
    wanted = context.config.settings.promotes_from
    if wanted is None or wanted.stack != source:
        found = f"It promotes from {wanted.stack}." if wanted else "It promotes from none."
        raise UsageError(
            f"Stack {context.config.stack} does not promote from stack {source}.",
            found,
            f"Name that with --from, or correct {context.config.setting('promotesFrom')} in "
            f"{context.config.stack_file.name}.",
        )
    context.ledger.lease.refuse_if_held()
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    context.ledger.refuse_older_code(world.proofs)
    judged = attested(context, world, attestation)
    return Promotion(judged.judged.claims if judged else (), plan_of(context, world), preview(context))
