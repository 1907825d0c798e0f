"""Promotion from one stack to another: running the application's checks, attesting a stack, and promoting its code.

The rules are in `stack/promotion/`.

May import: schema, stack, migration.engine, migration.session, migration.plan, migration.run, migration.change.
"""
