"""What a backfill has done so far: its counts, its place, its journal, and the ledger records that hold them.

Knows no pass and no worker.

May import: dynamo, backfills.items, stack.ledger.
"""
