"""What was looked at, whether it holds, and the evidence: a verification, the gates of old indexes, late writers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from migration.run.status import Gate
from schema.errors import VerificationFailed, Waiting
from schema.references import IndexRef
from stack.gates.claims import Claim
from terminal.reporting import Line, Result, grid, mark


@dataclass(frozen=True)
class ChecksResult(Result):
    """Each check of the stack against the schema; `notes` are the schema's own."""

    stack: str
    checks: list[Claim]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return 0 if all(check.holds for check in self.checks) else VerificationFailed.exit_code

    def document(self) -> dict[str, Any]:
        return {"stack": self.stack, "checks": [_document(check) for check in self.checks]}

    def text(self) -> Iterator[Line]:
        rows = ((mark(check.holds, "FAILED"), check.name, check.evidence) for check in self.checks)
        yield grid(("", "checked", "seen"), rows)
        yield f"\n{sum(check.holds for check in self.checks)} of {len(self.checks)} checks hold."
        yield from self.notes


@dataclass(frozen=True)
class GatesResult(Result):
    """The gate of each old index, with what still stands against its removal."""

    stack: str
    gates: list[Gate]

    @property
    def exit_code(self) -> int:
        return 0 if all(gate.is_open for gate in self.gates) else Waiting.exit_code

    def document(self) -> dict[str, Any]:
        return {"stack": self.stack, "gates": [_gate_document(gate) for gate in self.gates]}

    def text(self) -> Iterator[Line]:
        if not self.gates:
            yield f"No index of stack {self.stack} waits to be removed."
        for gate in self.gates:
            state = ("open", "green") if gate.is_open else ("shut", "yellow")
            rows = ((mark(claim.holds), claim.name, claim.evidence) for claim in gate.claims)
            yield grid(("", "condition", "evidence"), rows, Text.assemble(f"Gate for removing {gate.ref}: ", state))
            yield Text(f"Run: {gate.next} --stack {self.stack}", "dim")


def _gate_document(gate: Gate) -> dict[str, Any]:
    conditions = [_document(claim) for claim in gate.claims]
    return {"index": str(gate.ref), "open": gate.is_open, "conditions": conditions}


def _document(claim: Claim) -> dict[str, Any]:
    return {"name": claim.name, "holds": claim.holds, "evidence": claim.evidence}


@dataclass(frozen=True)
class LateWritersResult(Result):
    """Each new index that old application code could leave items out of, and whether it is read-ready."""

    stack: str
    indexes: list[tuple[IndexRef, Claim]]

    @property
    def exit_code(self) -> int:
        return 0 if all(claim.holds for _, claim in self.indexes) else Waiting.exit_code

    def document(self) -> dict[str, Any]:
        found = [
            {"index": str(ref), "read_ready": claim.holds, "evidence": claim.evidence} for ref, claim in self.indexes
        ]
        return {"stack": self.stack, "indexes": found}

    def text(self) -> Iterator[Line]:
        if self.indexes:
            rows = ((mark(claim.holds, "no", "yellow"), claim.evidence) for _, claim in self.indexes)
            yield grid(("", "new index"), rows)
        else:
            yield f"Stack {self.stack} has no index yet that late writers could leave items out of."
