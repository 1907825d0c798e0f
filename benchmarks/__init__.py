"""Measurements of what the tool promises, with ratios side by side in one run. Never part of the tests.

Touches no stack.

May import: schema, dynamo, stack, backfills, local.
"""
