"""What can be checked of a stack by reading it: the whole of it against its schema, and one index by a query.

Each check is a Claim.

May import: schema, dynamo, stack, backfills.
"""
