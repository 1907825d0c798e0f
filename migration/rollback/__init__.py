"""Rollbacks: what each kind would do, and its steps, which `migration/run` runs.

Each is proposed first, and done once it is confirmed.

May import: schema, stack, migration.session, migration.steps, migration.plan, migration.run.
"""
