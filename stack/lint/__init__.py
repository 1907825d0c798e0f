"""The lint: what can be seen to be wrong or risky in a schema and a stack file, before anybody asks AWS or Pulumi.

`rules/every.py` lists the rules; docs/lint.md explains each.

May import: schema, stack, stack.file, stack.ledger.
"""
