"""Plans: which steps a world needs, in which order, and what is blocked. Pure.

`plan.py` is the whole of it; the others are its parts.

May import: schema, dynamo, stack, migration.steps.
"""
