"""Holding what a step has predicted against the world as it was read after it.

Plans are made of predictions (`Step.effect`), so a wrong one would make a wrong plan. The end-to-end tests switch the
check on; outside of tests somebody else may change the stack meanwhile, and the run plans anew anyway.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from migration.steps.step import Step
from schema.errors import VerificationFailed
from stack.ledger.records import (
    BackfillProof,
    BackupProof,
    IndexProof,
    LateWritersProof,
    OwnerProof,
    Proof,
    ShadowProof,
    VerifiedProof,
)
from stack.world.live import LiveTable
from stack.world.world import World

CHECK = "KEYSHIFT_CHECK_PREDICTIONS"
"""Set in the environment: a step whose prediction does not come true fails the run."""


def check_prediction(step: Step, before: World, after: World) -> None:
    """Raises VerificationFailed where the check is on and the world is not as the step has predicted. A look predicts
    that it finds nothing wrong, and may well find something."""
    if step.ONLY_LOOKS or not os.environ.get(CHECK):
        return
    predicted, found = facts_of(step.predicted(before)), facts_of(after)
    wrong = [
        f"{name}: predicted {predicted.get(name)}, found {found.get(name)}"
        for name in sorted(predicted.keys() | found.keys())
        if predicted.get(name) != found.get(name)
    ]
    if wrong:
        raise VerificationFailed(f"The prediction of {step.name} is wrong.", "; ".join(wrong), "Correct its effect.")


def facts_of(world: World) -> dict[str, Any]:
    """What plans and gates look at, by a name for each fact, but for times, texts and counts, which differ."""
    found: dict[str, Any] = {
        "Pulumi's tables": sorted(world.managed.tables),
        "Pulumi's indexes": sorted(map(str, world.managed.indexes)),
        "the stack was created": world.managed.created,
        "pending operations": world.managed.pending,
        "unmonitored": sorted(world.unmonitored),
    }
    for name, table in world.live.items():
        found |= {f"{name}: {fact}": value for fact, value in _table(table).items()}
    for key, proof in world.proofs.by_key.items():
        if not isinstance(proof, OwnerProof):
            found[f"proof {key}"] = _proof(proof)
    return found


def _table(table: LiveTable) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "status": table.status,
        "capacity": table.throughput and asdict(table.throughput),
        "stream": table.stream,
        "recovery": table.point_in_time_recovery,
        "protection": table.deletion_protection,
        "ttl": table.ttl,
    }
    for name, index in table.indexes.items():
        facts[f"index {name}"] = (index.status, index.index.definition, index.index.throughput)
    return facts


def _proof(proof: Proof) -> Any:
    """What is decided by a proof."""
    if isinstance(proof, IndexProof):
        return [name for name in ("started", "verified", "settled") if getattr(proof, name) is not None]
    if isinstance(proof, BackfillProof):
        return sorted(proof.attributes)
    if isinstance(proof, BackupProof | VerifiedProof):
        return proof.schema
    if isinstance(proof, ShadowProof):
        return proof.equal
    if isinstance(proof, LateWritersProof):
        return proof.gaps
    return True
