"""The engine that fills live items. The rules that it applies stand with a project's tables: a `Table` carries them.

The rules of this checkout's project are in the `backfills.py` beside its tables.

May import: schema, dynamo, stack.
"""
