"""Whole backfills: passes over a table, dry runs, checks and rollbacks.

`assembly.py` puts the parts together.

May import: schema, dynamo, stack.ledger, backfills.items, backfills.progress, backfills.
"""
