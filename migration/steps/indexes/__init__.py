"""Steps about one index: creating, verifying, settling its capacity, reading, browning out and removing it.

For rollbacks: taking a new index back, and building a retired one again.

May import: schema, dynamo, stack, migration.checks, migration.session, migration.steps.
"""
