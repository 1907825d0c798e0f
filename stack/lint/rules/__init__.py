"""The rules of the lint, one file a subject; `every.py` gives each its code. Pure.

A rule is a function from a Linted to what it finds.

May import: schema, stack.file, stack.ledger, stack.lint.
"""
