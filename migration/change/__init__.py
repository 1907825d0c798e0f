"""The change document: what a pull request would do to one stack, from one read of the world.

`document.py` is its typed form, of which docs/change.schema.json is made. `making.py` reads the world and puts the
document together; the others are its parts, and pure but for `base.py`, which asks git.

May import: schema, dynamo, stack, backfills, migration.session, migration.steps, migration.plan, migration.run.
"""
