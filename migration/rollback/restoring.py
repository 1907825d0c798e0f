"""Restoring a table beside the live one, as `<table>-restored`, and comparing the two: from a backup, or as it was at
a point in time. Nothing of the live table is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migration.rollback.proposal import Proposal, roll_back
from migration.session.context import Context
from migration.steps.step import Step
from migration.steps.tables.compare import Compare
from migration.steps.tables.restore import Restore, Source, restored_name
from schema.errors import Refused
from stack.ledger.ledger import Facts
from stack.ledger.rollback import RestoredProof
from stack.world.live import read_table
from stack.world.world import World


@dataclass(frozen=True)
class Restored:
    """A table that was restored: the id of the `run` in the history, its name in the schema, the physical name of the
    restored one, what it was restored from, and what the step `compare` found (`compared` is None in it where there is
    no live table)."""

    run: str
    table: str
    restored: str
    source: str
    found: Facts


def restoration(context: Context, name: str, source: Source) -> Proposal[Restored]:
    """The restoration of one table. `source` is known to be there. Raises Refused."""
    context.refuse_others_tables(context.ledger.proofs())
    restored = context.config.physical_name(restored_name(name))
    unfinished = context.ledger.proof(RestoredProof, name)
    is_ours = unfinished is not None and unfinished.source == str(source) and unfinished.compared is None
    if read_table(context.client, context.config, restored_name(name)) is not None and not is_ours:
        raise Refused(
            f"Table {restored} is already there.",
            "A table is restored under that name, and never over another one.",
            f"Once nobody needs it, delete it: aws dynamodb delete-table --table-name {restored} (docs/rollback.md)",
        )
    live = read_table(context.client, context.config, name)
    when = "in" if source.time is None else "at"
    says = (
        f"Restores table {name} as it was {when} {source}, into {restored}. The live table stays as it is.",
        "Waits until it is ACTIVE, which takes AWS from minutes to hours, and costs a second table.",
        f"Then compares it with {name}, reading all items of both."
        if live is not None
        else f"There is no live table {name} to compare it with.",
    )

    def steps(world: World) -> Iterator[Step]:
        yield Restore(table=name, source=source)
        yield Compare(table=name, source=source)

    def do() -> Restored:
        summary = roll_back(context, f"table {name} to {source}", steps)
        return Restored(summary.run or "", name, restored, str(source), summary.done[-1].facts)

    return Proposal(says, do)
