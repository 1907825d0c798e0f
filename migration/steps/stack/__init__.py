"""Steps about the whole stack: waiting for AWS, monitoring, verifying.

For rollbacks: verifying them.

May import: schema, stack, migration.checks, migration.session, migration.steps.
"""
