"""What Pulumi would change on the whole way to the schema: for a pull request, and before a run."""

from __future__ import annotations

from migration.run.runner import plan_of
from migration.session.context import Context
from migration.session.engine import ResourceChange, refuse_losses
from schema.errors import UsageError
from stack.declaration import whole_with_imports
from stack.gates.gate import approved


def preview(context: Context) -> list[ResourceChange]:
    """The planned changes, none of which loses anything. Changes nothing.

    Raises Refused for a replacement, or a deletion but that of an approved retired index; UsageError for a stack that
    was never created.
    """
    world = context.read_world()
    if not world.managed.created:
        raise UsageError(
            f"Stack {context.config.stack} was never created in {context.config.settings.backend}.",
            "A preview only reads, so it does not create it.",
            f"Run: ./invoke migrate --stack {context.config.stack}",
        )
    plan_of(context, world)
    declaration = whole_with_imports(context.schema, context.config.settings, world)
    changes = context.engine.preview(world.live, declaration)
    removable = frozenset(
        str(retired.ref(table))
        for table in context.schema
        for retired in table.retired
        if approved(table, retired, context.config.settings)
    )
    refuse_losses(changes, removable)
    return changes
