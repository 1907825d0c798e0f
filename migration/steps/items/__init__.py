"""Steps about items: backfilling them, looking for late writers, comparing what is read of them.

For rollbacks: taking a backfill back.

May import: schema, dynamo, stack, backfills, migration.session, migration.shadow, migration.steps.
"""
