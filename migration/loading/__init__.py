"""The load test of a stack: what is refused before it, what it will send and cost, and what is kept of it.

The requests themselves are in `loadtest/`.

May import: schema, dynamo, stack, loadtest, migration.session.
"""
