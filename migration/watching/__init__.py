"""Watching a stack after a change: its alarms, throttles, errors and latency, for as long as it is asked to.

Changes nothing but its own record in the ledger.

May import: schema, dynamo, stack, migration.session.
"""
