"""The kinds of proofs, and all proofs of a stack as they were read at one time: plans and gates are made of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schema.errors import Refused
from schema.references import IndexRef, Subject, table_of
from stack.ledger.codec import decoded
from stack.ledger.records import (
    AttestationProof,
    BackfillProof,
    BackupProof,
    BrownOutProof,
    CheckProof,
    IndexProof,
    LateWritersProof,
    LeastVersionProof,
    LoadTestProof,
    OverrideProof,
    OwnerProof,
    OwnReadProof,
    P,
    Proof,
    RaisedProof,
    ReadReadyProof,
    ShadowProof,
    TableProof,
    VerifiedProof,
    sort_key,
)
from stack.ledger.rollback import IntentProof, RestoredProof, RolledBackProof

KINDS: Mapping[str, type[Proof]] = {
    kind.KIND: kind
    for kind in (
        OwnerProof,
        LeastVersionProof,
        VerifiedProof,
        TableProof,
        BackupProof,
        BackfillProof,
        IndexProof,
        RaisedProof,
        LateWritersProof,
        ReadReadyProof,
        ShadowProof,
        OwnReadProof,
        BrownOutProof,
        RolledBackProof,
        RestoredProof,
        IntentProof,
        CheckProof,
        LoadTestProof,
        AttestationProof,
        OverrideProof,
    )
}
"""By the word with which a key begins."""


def proof_of(item: Mapping[str, Any]) -> Proof:
    """The proof that an item of the partition PROOF holds. Raises Refused for a kind or a field of another version."""
    name, _, subject = str(item["SK"]).partition("#")
    kind = KINDS.get(name)
    if kind is None:
        raise Refused(
            f"The ledger has a proof of a kind that this version does not know: {item['SK']}.",
            f"Known are: {', '.join(KINDS)}.",
            "Use the version of this tool that wrote it: ./invoke history names the code of each run.",
        )
    return decoded(kind, item, subject=IndexRef.parse(subject) if kind.OF_INDEX else subject)


@dataclass(frozen=True)
class Proofs:
    """The kinds of proofs, and all proofs of a stack, by sort key."""

    by_key: Mapping[str, Proof] = field(default_factory=dict)

    @staticmethod
    def of(proofs: Iterable[Proof]) -> Proofs:
        """These proofs."""
        return Proofs({proof.key: proof for proof in proofs})

    def get(self, kind: type[P], subject: Subject) -> P | None:
        """One proof, or None: not proven."""
        found = self.by_key.get(sort_key(kind, subject))
        return found if isinstance(found, kind) else None

    def of_kind(self, kind: type[P]) -> list[P]:
        """All proofs of one kind, in the order of their subjects."""
        return [proof for _, proof in sorted(self.by_key.items()) if isinstance(proof, kind)]

    def with_proof(self, proof: Proof) -> Proofs:
        """Also this proof, in place of an older one of its subject."""
        return Proofs({**self.by_key, proof.key: proof})

    def without(self, kind: type[Proof], subject: Subject) -> Proofs:
        """No longer that proof."""
        return Proofs({key: proof for key, proof in self.by_key.items() if key != sort_key(kind, subject)})

    def about(self, table_ids: Mapping[str, str]) -> Proofs:
        """Without the proofs about tables that were restored since, by AWS's ids of the tables that are live now: such
        a proof says nothing of the new table."""

        def holds(proof: Proof) -> bool:
            live = table_ids.get(table_of(proof.subject))
            return live is None or proof.table_id in {None, live}

        return Proofs({key: proof for key, proof in self.by_key.items() if holds(proof)})
