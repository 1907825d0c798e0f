"""Which runs of the application's checks are evidence that its tests passed. Pure."""

from __future__ import annotations

import re

from stack.file.settings import Settings
from stack.ledger.proofs import Proofs
from stack.ledger.records import AttestationProof, CheckProof

_COMMIT = re.compile(r"[0-9a-f]{40}")


def passed_runs(settings: Settings, proofs: Proofs) -> dict[str, str]:
    """The runs in which all checks of the stack passed for one commit, each with that (its full id)."""
    found = [proofs.get(CheckProof, name) for name in settings.checks]
    first = found[0] if found else None
    if first is None:
        return {}
    return {
        run: commit
        for run, commit in first.passed.items()
        if all(proof is not None and proof.passed.get(run) == commit for proof in found)
    }


def commit_of_run(run: str, settings: Settings, proofs: Proofs) -> str | None:
    """The commit for which all checks passed in that run, here or on a stack whose attestation was accepted; None: no
    such run is known."""
    known = dict(passed_runs(settings, proofs))
    for attestation in proofs.of_kind(AttestationProof):
        known |= attestation.check_runs
    return known.get(run)


def is_commit(recorded: str, named: str) -> bool:
    """Whether the recorded commit is the one that is named by its full id or the first digits of it. One with changed
    files is none."""
    return _COMMIT.fullmatch(recorded) is not None and recorded.startswith(named)
