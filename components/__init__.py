"""How the schema is declared to Pulumi: one component a table, monitoring, and the hooks that guard every change.

Run by `__main__.py` and by the engine alike.

May import: schema, stack.
"""
