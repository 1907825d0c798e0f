"""What a backfill has done so far: its counts, its place, its journal, and the ledger records that hold them.

Imports `backfills.items`, `dynamo`, and the ledger.
"""
