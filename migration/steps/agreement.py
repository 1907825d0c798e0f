"""Bringing Pulumi's state and the ledger into line with AWS before a rollback changes something."""

from __future__ import annotations

from collections.abc import Callable

from migration.session.context import Context
from schema.references import Subject
from stack.declaration import present
from stack.ledger.records import STACK, BackupProof, OwnReadProof, VerifiedProof
from stack.ledger.rollback import IntentProof, RolledBackProof
from stack.world.world import World


def agreed(context: Context) -> World:
    """The world, once Pulumi's state is as AWS is: what is gone is forgotten, what it lacks is imported. Otherwise the
    next `up` would change that as well."""
    world = context.read_world()
    there = present(context.schema, world)
    if world.managed.pending or world.managed.tables - there.tables or world.managed.indexes - there.indexes:
        context.engine.refresh()
        world = context.read_world()
        there = present(context.schema, world)
    if there.has_imports:
        context.engine.up(world.live, there)
        world = context.read_world()
    return world


_KEPT = (BackupProof, IntentProof, OwnReadProof, RolledBackProof)
"""What stays true of what is gone: that it was backed up, read by us, or rolled back."""


def forget(context: Context, concerns: Callable[[Subject], bool]) -> None:
    """Takes back all that was proven of some subjects, but for what stays true of what is gone."""
    context.ledger.disprove(VerifiedProof, STACK)
    for proof in context.ledger.proofs().by_key.values():
        if not isinstance(proof, _KEPT) and concerns(proof.subject):
            context.ledger.disprove(type(proof), proof.subject)


def forgotten(world: World, concerns: Callable[[Subject], bool]) -> World:
    """The world once that is forgotten."""
    for proof in world.proofs.by_key.values():
        if not isinstance(proof, _KEPT) and concerns(proof.subject):
            world = world.without_proofs(proof.subject, type(proof))
    return world.without_proofs(STACK, VerifiedProof)
