"""Promoting: what another stack has attested is judged, and what would change is shown, before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migration.change.document import Change
from migration.change.making import change_of
from migration.run.runner import attested
from migration.session.context import Context
from schema.errors import Refused, UsageError
from stack.gates.claims import Claim


@dataclass(frozen=True)
class Promotion:
    """A promotion that nothing stands against: what was attested of the other stack, and the change document of this
    one. Nothing was changed yet."""

    claims: tuple[Claim, ...]
    change: Change


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
    change = change_of(context, attestation=attestation)
    if change.error is not None:
        raise Refused(change.error.what, change.error.why, change.error.next)
    return Promotion(judged.judged.claims if judged else (), change)
