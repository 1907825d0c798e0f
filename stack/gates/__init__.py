"""Rules over a world: when readers may use a new index, and when an old one may go. Pure.

Every rule is a Claim with its evidence.

May import: schema, stack.file, stack.ledger, stack.world.
"""
