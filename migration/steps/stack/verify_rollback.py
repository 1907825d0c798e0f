"""The last step of a rollback: what it was to bring about is looked for in AWS, in Pulumi's state and in the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from migration.session.context import Context
from migration.steps.step import Step
from schema.errors import VerificationFailed
from schema.references import IndexRef
from stack.declaration import present
from stack.gates.claims import Claim, failing
from stack.ledger.ledger import Facts
from stack.world.managed import MONITOR_TYPES
from stack.world.world import World


@dataclass(frozen=True, kw_only=True)
class VerifyRollback(Step):
    """Checks the `claims` of a rollback on the world as it is then, and that an `up` of what AWS has is no change."""

    ACTION = "verify"
    ONLY_LOOKS = True

    names: tuple[str, ...]
    index: IndexRef | None = None
    claims: Callable[[Context, World], Iterable[Claim]] = field(repr=False, compare=False)

    @property
    def tables(self) -> tuple[str, ...]:
        return self.names

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
        """See Step."""
        return world

    def told(self, facts: Facts) -> str:
        """See Step."""
        return f"{facts['checks']} checks hold"
