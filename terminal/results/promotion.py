"""What was shown of a stack before another one may follow it: checks, and an attestation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from migration.promotion.attesting import Attested
from migration.promotion.checking import ChecksRun
from migration.promotion.promoting import Promotion
from schema.errors import Refused, VerificationFailed, Waiting
from stack.ledger.codec import written
from terminal.reporting import Line, Result, grid, mark
from terminal.results.change import ChangeResult
from terminal.results.observed import WatchResult
from terminal.results.plan import RunResult


@dataclass(frozen=True)
class ChecksRunResult(Result):
    """Each check that was run, in one run, for a commit."""

    stack: str
    done: ChecksRun

    @property
    def exit_code(self) -> int:
        return 0 if all(check.exit_code == 0 for check in self.done.checks) else VerificationFailed.exit_code

    def document(self) -> dict[str, Any]:
        done = self.done
        checks = [
            {**asdict(check), "began": written(check.began), "ended": written(check.ended)} for check in done.checks
        ]
        return {"stack": self.stack, "check_run": done.run, "commit": done.commit, "checks": checks}

    def text(self) -> Iterator[Line]:
        rows = (
            (mark(check.exit_code == 0, f"exit {check.exit_code}"), check.name, check.file, check.log)
            for check in self.done.checks
        )
        yield grid(("", "check", "log", "digest of the log"), rows)
        yield f"\nCheck run {self.done.run}, commit {self.done.commit or 'unknown'}."


@dataclass(frozen=True)
class AttestResult(Result):
    """Each claim about the stack; where all of them hold, its attestation."""

    stack: str
    attested: Attested
    pinned_in: str

    @property
    def exit_code(self) -> int:
        if self.attested.attestation is not None:
            return 0
        return Waiting.exit_code if self.attested.judged.waits else Refused.exit_code

    def outputs(self) -> dict[str, str | int]:
        attestation = self.attested.attestation
        return {"commit": attestation.commit} if attestation is not None else {}

    def document(self) -> dict[str, Any]:
        claims = [
            {"name": claim.name, "holds": claim.holds, "evidence": claim.evidence}
            for claim in self.attested.judged.claims
        ]
        attested = self.attested.attestation
        return {
            "stack": self.stack,
            "attested": attested is not None,
            "waiting": self.attested.judged.waits,
            "claims": claims,
            "commit": attested.commit if attested else None,
            "code": attested.code if attested else None,
            "file": self.attested.file or None,
            "digest": self.attested.digest or None,
            "signed": self.attested.signed,
        }

    def text(self) -> Iterator[Line]:
        found = self.attested
        rows = ((mark(claim.holds), claim.name, claim.evidence) for claim in found.judged.claims)
        yield grid(("", "what", "evidence"), rows, f"Attestation of stack {self.stack}")
        attestation = found.attestation
        if attestation is None:
            yield Text("Waiting: the bake time is running." if found.judged.waits else "Refused.", "yellow")
            next = [claim.next for claim in found.judged.failing if claim.next]
            yield from (f"Run: {_command(command, self.stack)}" for command in next[:1])
            return
        yield f"Stack {self.stack} is attested: commit {attestation.commit}, {attestation.code}."
        if found.file:
            signed = "signed" if found.signed else "not signed"
            yield f"{found.file} says so, {signed}. Its digest: {found.digest}"
            if not found.signed:
                yield f"It is accepted once its digest is pinned by a reviewed line: {self.pinned_in}.digest"


def _command(command: str, stack: str) -> str:
    return f"{command} --stack {stack}" if command.startswith("./invoke") else command


def proposed(promotion: Promotion) -> Iterator[Line]:
    """What a promotion rests on, and what it would do, before anybody is asked."""
    rows = ((mark(claim.holds), claim.name, claim.evidence) for claim in promotion.claims)
    yield grid(("", "what", "evidence"), rows, "Attested")
    yield from ChangeResult(promotion.change).text()


@dataclass(frozen=True)
class PromotedResult(Result):
    """A promotion: what it rests on, the run that it made, and what was seen afterwards (`watched`; None: nobody
    watched)."""

    source: str
    stack: str
    promotion: Promotion
    run: RunResult
    watched: WatchResult | None

    @property
    def exit_code(self) -> int:
        return (self.watched.exit_code if self.watched else 0) or self.run.exit_code

    def document(self) -> dict[str, Any]:
        claims = [
            {"name": claim.name, "holds": claim.holds, "evidence": claim.evidence} for claim in self.promotion.claims
        ]
        return {
            "from": self.source,
            "to": self.stack,
            "claims": claims,
            "run": self.run.document(),
            "watched": self.watched.document() if self.watched else None,
        }

    def text(self) -> Iterator[Line]:
        yield from self.run.text()
        if self.watched is not None:
            yield from self.watched.text()
        elif self.run.summary.run is not None:
            yield f"Watch it: ./invoke watch --stack {self.stack} --for 4h"
