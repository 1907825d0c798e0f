"""A statement about a stack, whether it holds, and how one can tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One statement, whether it holds, the evidence for that in one line, and the command to run `next` if it does not
    hold: without `--stack`, and empty where the next `migrate` sees to it."""

    name: str
    holds: bool
    evidence: str
    next: str = ""
