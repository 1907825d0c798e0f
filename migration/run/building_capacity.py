"""More write capacity for an index that is being built: the lever against a build that throttles its table."""

from __future__ import annotations

from migration.session.context import Context
from schema.errors import Refused
from schema.parts import Throughput
from schema.references import IndexRef
from stack.aws import translated_errors
from stack.ledger.records import RaisedProof


def raise_capacity(context: Context, name: str, index_name: str, write: int) -> Throughput:
    """Gives a new index so many write units, also while a run builds it, and returns what it had. It is settled with
    the others in the end; until then Pulumi leaves its capacity alone. Raises Refused, ToolError."""
    ref, table = IndexRef(name, index_name), context.schema.table(name)
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
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
