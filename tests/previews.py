"""What Pulumi would change on a stack, as a preview judges it."""

from __future__ import annotations

from migration.run.runner import plan_of
from migration.run.status import previewed
from migration.session.context import Context
from stack.allowed_changes import ResourceChange


def preview(context: Context) -> list[ResourceChange]:
    """The planned changes, each of which is on the list of allowed ones. Raises Refused for any other."""
    world = context.read_world()
    plan_of(context, world)
    changes, refusal = previewed(context, world)
    if refusal is not None:
        raise refusal
    return changes
