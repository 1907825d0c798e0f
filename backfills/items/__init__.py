"""One item of a backfill: which items need work, the change that each of them needs, and how it is written.

Knows no ledger.

May import: schema, dynamo.
"""
