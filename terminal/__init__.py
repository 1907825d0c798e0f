"""What a person sees: tasks, results, progress, and errors with their exit codes.

`collection.py` makes the tasks of a project.

May import: schema, stack, components, hosting, local, migration.
"""
