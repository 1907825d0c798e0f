"""Taking a backfill back: exactly what the journal says was added, where it is still as it was written."""

from __future__ import annotations

from collections.abc import Iterator

from migration.rollback.proposal import Proposal, roll_back
from migration.session.context import Context
from migration.steps.items.backfill import BackfillTable, refuse_needed
from migration.steps.items.working import backfilled_tables, working
from migration.steps.step import Step
from schema.errors import Refused
from stack.ledger.ledger import Facts
from stack.world.refusing import refuse_unsupported
from stack.world.world import World


def backfill_rollback(context: Context, name: str) -> Proposal[Facts]:
    """The rollback of the backfills of one table. Raises UsageError for a table without a backfill; Refused while
    an index needs those attributes, or when no journal was kept."""
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    refuse_unsupported(world.live)
    (name,) = backfilled_tables(context, world, name)
    table = context.schema.table(name)
    refuse_needed(context, world, table)
    with working(context, world, name) as assembly:
        if assembly.journal.is_empty():
            raise Refused(
                f"There is nothing to roll back on {name}.",
                "The ledger holds no journal of a backfill: none ran, it was rolled back, or the stack keeps none.",
                context.command("status"),
            )

    def steps(world: World) -> Iterator[Step]:
        yield from BackfillTable(table=table).undo()

    def do() -> Facts:
        return roll_back(context, f"the backfill of {name}", steps).done[-1].facts

    return Proposal((), do)
