"""The tasks, one file a group. A task reads its flags, calls what does the work, and returns its result.

Holds no logic of its own.

May import: schema, stack, hosting, local, benchmarks, migration, terminal, terminal.results.
"""
