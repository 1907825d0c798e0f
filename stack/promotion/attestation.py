"""An attestation as a file: JSON with the number of its format, and a signature where a key of KMS has made one.

Whoever reads it refuses what it does not know: another format, another field, a field that stands twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schema.errors import Refused, UsageError
from stack.ledger.codec import plain
from stack.ledger.records import AttestationProof, Proof
from stack.promotion.signing import Signature

FORMAT = 1
MOST_BYTES = 100_000
"""Of a file: a real one has a few thousand."""
_OF_THE_LEDGER = {each.name for each in fields(Proof)}
_PARTS = {"format", "attestation", "signature"}


@dataclass(frozen=True)
class AttestationFile:
    """A file that was read: the attestation for a record with that `subject`, what a signature is made over
    (`message`), the `signature`, and the `digest` of the file's bytes (`sha256:…`)."""

    attestation: AttestationProof
    message: bytes
    signature: Signature | None
    digest: str


def message_of(attestation: AttestationProof) -> bytes:
    """What is signed: the digest of all that the attestation says."""
    return _message(_document(attestation))


def text_of(attestation: AttestationProof, signature: Signature | None) -> str:
    """The file's text."""
    document: dict[str, Any] = {"format": FORMAT, "attestation": _document(attestation)}
    if signature is not None:
        document["signature"] = {
            "key": signature.key,
            "algorithm": signature.algorithm,
            "signature": signature.signature,
        }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def digest_of(text: bytes) -> str:
    """The digest that a stack file pins, as `sha256sum` shows it of the file."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def read_file(path: Path, subject: str) -> AttestationFile:
    """Reads a file. Raises UsageError where there is none, Refused for anything that this version does not
    understand."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "The attestation cannot be read.", f"{error}.", "Name the file that ./invoke attest --out has written."
        ) from None
    if len(text) > MOST_BYTES:
        raise _refused(path, f"it has more than {MOST_BYTES:,} bytes")
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT or document.get("format") is True:
        found = document.get("format") if isinstance(document, dict) else None
        raise _refused(path, f"its format is {found!r}, and this version knows {FORMAT}")
    if unknown := sorted(set(document) - _PARTS):
        raise _refused(path, f"it has an unknown field {unknown[0]!r}")
    said = document.get("attestation")
    if not isinstance(said, dict):
        raise _refused(path, "it says nothing")
    attestation = _attestation(path, said, subject)
    return AttestationFile(attestation, _message(said), _signature(path, document.get("signature")), digest_of(text))


def _attestation(path: Path, said: dict[str, Any], subject: str) -> AttestationProof:
    if taken := sorted(_OF_THE_LEDGER & set(said)):
        raise _refused(path, f"it has an unknown field {taken[0]!r}")
    try:
        found: AttestationProof = TypeAdapter(AttestationProof).validate_python({**said, "subject": subject})
    except ValidationError as error:
        fault = error.errors()[0]
        raise _refused(path, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    for each in fields(found):
        value = getattr(found, each.name)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise _refused(path, f"{each.name} is a time without a zone")
    return found


def _signature(path: Path, said: Any) -> Signature | None:
    if said is None:
        return None
    try:
        found: Signature = TypeAdapter(Signature).validate_python(said)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, ("signature", *fault["loc"])))
        raise _refused(path, f"{where}: {fault['msg']}") from None
    return found


def _document(attestation: AttestationProof) -> dict[str, Any]:
    return {
        each.name: plain(getattr(attestation, each.name))
        for each in fields(attestation)
        if each.name not in _OF_THE_LEDGER
    }


def _message(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    # So that a signature over it can be one of an attestation only.
    return f"keyshift attestation {FORMAT}\n{hashlib.sha256(text.encode()).hexdigest()}".encode()


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands twice")
    return found


def _refused(path: Path, why: str) -> Refused:
    return Refused(
        f"{path.name} is no attestation that this version accepts.",
        f"{why[:1].upper()}{why[1:]}. Nothing was changed.",
        "Have it written again by the same version: ./invoke attest --out FILE",
    )
