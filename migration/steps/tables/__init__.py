"""Steps about whole tables: backup, adoption, creation.

For rollbacks: release, removal, restoration, comparison.

May import: schema, dynamo, stack, backfills, migration.session, migration.steps, migration.steps.items.
"""
