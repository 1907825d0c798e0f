"""All proofs of a stack, as they were read at one time: what plans and gates are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schema.references import Subject, table_of
from stack.ledger.records import P, Proof, sort_key


@dataclass(frozen=True)
class Proofs:
    """All proofs of a stack, by sort key."""

    by_key: Mapping[str, Proof] = field(default_factory=dict)

    @staticmethod
    def of(proofs: Iterable[Proof]) -> Proofs:
        """These proofs."""
        return Proofs({proof.key: proof for proof in proofs})

    def get(self, kind: type[P], subject: Subject) -> P | None:
        """One proof, or None: not proven."""
        found = self.by_key.get(sort_key(kind, subject))
        return found if isinstance(found, kind) else None

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
