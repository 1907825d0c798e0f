"""The gates of a stack: for each old index that is still there, what must hold before it is removed."""

from __future__ import annotations

from dataclasses import dataclass

from migration.session.context import Context
from schema.references import IndexRef
from stack.gates.claims import Claim
from stack.gates.gate import gate


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
