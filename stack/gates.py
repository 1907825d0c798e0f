"""When a retired index may go. Pure rules: each returns what still stands against it."""

from __future__ import annotations

from dataclasses import dataclass

from schema.model import RetiredIndex, Table
from stack.ledger import Proofs
from stack.live import ACTIVE, Live
from stack.managed import index_resource
from stack.settings import Settings


@dataclass(frozen=True)
class Condition:
    """One condition of a gate, whether it holds, and the evidence for that in one line."""

    name: str
    holds: bool
    evidence: str


def backfill_proven(table: Table, proofs: Proofs) -> bool:
    """Whether every attribute that the schema now wants filled was filled."""
    proof = proofs.of("backfill", table.name)
    return proof is not None and set(table.backfilled) <= set(proof["attributes"])


def gate(table: Table, retired: RetiredIndex, settings: Settings, live: Live, proofs: Proofs) -> list[Condition]:
    """All conditions for removing `retired`, in the order in which they are usually met."""
    return [
        _replacement(table, retired, live, proofs),
        *_approval(table, retired, settings),
    ]


def approved(table: Table, retired: RetiredIndex, settings: Settings) -> bool:
    """Whether the stack file approves the removal: the reviewed part of the gate."""
    return all(condition.holds for condition in _approval(table, retired, settings))


def _replacement(table: Table, retired: RetiredIndex, live: Live, proofs: Proofs) -> Condition:
    name = index_resource(table.name, retired.replaced_by)
    proof = proofs.of("index", name) or {}
    found = live[table.name].indexes.get(retired.replaced_by) if table.name in live else None
    if found is None or found.status != ACTIVE:
        return Condition("replacement verified", False, f"{name} is {'missing' if found is None else found.status}")
    if "verified" not in proof:
        return Condition("replacement verified", False, f"{name} is ACTIVE and not yet verified")
    return Condition("replacement verified", True, f"{name} was verified at {proof['verified']}")


def _approval(table: Table, retired: RetiredIndex, settings: Settings) -> list[Condition]:
    name = index_resource(table.name, retired.name)
    approval = settings.approvals.get(name)
    if approval is None:
        return [Condition("approved", False, f"the stack file has no approval for {name}")]
    signed = f"{approval.by}, {approval.at}"
    return [
        Condition("application updated", approval.application_updated, signed),
        Condition("integration tests passed", approval.tests_passed, signed),
    ]
