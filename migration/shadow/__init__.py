"""Shadow reads: what an index answers, compared with what its table says.

Reads only.

May import: schema, dynamo, stack.ledger, migration.checks.
"""
