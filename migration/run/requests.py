"""What a person asks of a stack beside its runs: who is at work, what was done, to pause, resume and unlock; and more
write capacity for an index that is being built, the lever against a build that throttles its table."""

from __future__ import annotations

from migration.session.context import Context
from schema.errors import Refused, UsageError
from schema.parts import Throughput
from schema.references import IndexRef
from stack.aws import translated_errors
from stack.ledger.codec import written
from stack.ledger.history import UNKNOWN, Event, Recorded
from stack.ledger.lease import Holder
from stack.ledger.ledger import Facts
from stack.ledger.records import RaisedProof
from stack.world.refusing import refuse_unsupported


def activity(context: Context) -> dict[str, Facts | None]:
    """Who is `at_work` on the stack, who has `died` holding it, and who has `paused` it; None stands for nobody."""
    lease, pause = context.ledger.lease, context.ledger.paused()
    holder = lease.holder()
    told = {"command": holder.command, "by": holder.by, "since": holder.since} if holder is not None else None
    dead = holder is not None and lease.is_over(holder)
    paused = {"by": pause.by, "at": written(pause.at)} if pause is not None else None
    return {"at_work": None if dead else told, "died": told if dead else None, "paused": paused}


def history(context: Context, limit: int) -> list[Event]:
    """The newest runs and requests, with the run that is at work marked as such."""
    events, holder = context.history.newest(limit), context.ledger.lease.holder()
    if holder is not None and not context.ledger.lease.is_over(holder):
        for event in events:
            # The newest run without an end: the holder took the lease after every other had ended or died.
            if event.result == UNKNOWN and (event.what, event.by) == (holder.command, holder.by):
                event.result = "at work"
                break
    return events


def steps(context: Context, run: str) -> list[Recorded]:
    """The steps of one run. Raises UsageError for one that is not known."""
    found = context.history.steps(run)
    if not found:
        raise UsageError(
            f"There is no run {run!r} on stack {context.config.stack}, or it came to no step.",
            "Runs are named by the last column of the history.",
            f"Run: ./invoke history --stack {context.config.stack}",
        )
    return found


def pause(context: Context) -> None:
    """Asks whatever runs on the stack to stop. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    context.ledger.create()
    context.ledger.pause()
    context.history.note("pause")


def resume(context: Context) -> None:
    """Takes a pause back, if there is one. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    if context.ledger.resume():
        context.history.note("resume")


def lease_holder(context: Context) -> Holder | None:
    """Who holds the stack, dead or alive. Raises ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    return context.ledger.lease.holder()


def unlock(context: Context, holder: Holder) -> None:
    """Breaks the lease of that holder, if it still has it. Raises ToolError."""
    if context.ledger.lease.break_it(holder):
        context.history.note("unlock", {"held_by": str(holder)})


def raise_capacity(context: Context, name: str, index_name: str, write: int) -> Throughput:
    """Gives a new index so many write units, also while a run builds it, and returns what it had. It is settled with
    the others in the end; until then Pulumi leaves its capacity alone. Raises Refused, ToolError."""
    ref, table = IndexRef(name, index_name), context.schema.table(name)
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    refuse_unsupported(world.live)
    live = world.live.get(name)
    found = live.indexes.get(index_name) if live else None
    again = f"Run: ./invoke status --stack {context.config.stack}"
    if table.index(index_name).existing:
        raise Refused(f"Index {ref} was there before.", "Its capacity is left to those who set it.", again)
    if found is None or live is None:
        raise Refused(f"Index {ref} is not there.", "So it has no capacity.", again)
    if found.index.throughput is None:
        raise Refused(f"Index {ref} is on demand.", "AWS gives it what it needs, within the account's limits.", again)
    before = found.index.throughput
    with translated_errors(context.config):
        if table.existing:
            context.ledger.prove(RaisedProof(subject=ref, table_id=live.id, write=write))
        context.client.update_table(
            TableName=context.config.physical_name(name),
            GlobalSecondaryIndexUpdates=[
                {
                    "Update": {
                        "IndexName": index_name,
                        "ProvisionedThroughput": {"ReadCapacityUnits": before.read, "WriteCapacityUnits": write},
                    }
                }
            ],
        )
    context.history.note("capacity", {"index": str(ref), "write": write, "before": before.write})
    return before
