"""The sources of truth, as they were read at one time: live tables, Pulumi's state, proofs, readings of CloudWatch.

A World is what plans and gates are computed from.

May import: schema, dynamo, stack.file, stack.ledger, stack.
"""
