"""A claim about a stack: what gates, readiness, verification and the checks after a rollback are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A statement by its `name`, whether it `holds`, the `evidence` for that in one line, and the command to run `next`
    where it does not (without --stack; empty: none helps)."""

    name: str
    holds: bool
    evidence: str
    next: str = ""


def failing(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Those that do not hold."""
    return tuple(claim for claim in claims if not claim.holds)


def listed(claims: Iterable[Claim]) -> str:
    """The claims with their evidence, in one line."""
    return "; ".join(f"{claim.name}: {claim.evidence}" for claim in claims)
