"""Doing what a plan says, and the other things that a person asks of a stack: status, gates, history, preview.

`runner.py` runs migrations and rollbacks alike.

May import: schema, stack, backfills, migration.session, migration.steps, migration.plan.
"""
