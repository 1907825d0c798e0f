"""A stand-in for Pulumi's aws plugin, for the local stack alone.

It serves the few resource types that the program declares, with the tokens, ids, checks and replacement rules of the
real plugin, and refuses any type or property that it does not know. docs/pulumi.md says how it is held to the real one.

May import: schema, stack.world.
"""
