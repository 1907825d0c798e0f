"""Signing an attestation with an asymmetric key of KMS, and asking KMS whether a signature is that key's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError
from pydantic import ConfigDict, with_config

from dynamo.errors import error_code
from schema.errors import Refused
from stack.aws import translated_errors
from stack.credentials import endpoint_options, session
from stack.file.config import StackConfig

ALGORITHMS = ("RSASSA_PSS_SHA_256", "ECDSA_SHA_256")
"""Those that are made and accepted, the preferred one first."""
_OF_THE_KEY = {
    "DisabledException",
    "InvalidArnException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "NotFoundException",
    "UnsupportedOperationException",
    "ValidationException",
}


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Signature:
    """A signature (base64) by the `key` (its ARN) with that algorithm of KMS."""

    key: str
    algorithm: str
    signature: str


class Keys(Protocol):
    """What is asked of KMS."""

    def describe_key(self, **request: Any) -> Mapping[str, Any]: ...

    def sign(self, **request: Any) -> Mapping[str, Any]: ...

    def verify(self, **request: Any) -> Mapping[str, Any]: ...


def sign(config: StackConfig, key: str, message: bytes) -> Signature:
    """Signs the message with that key. Raises Refused where the key cannot."""
    with _of_the_key(config, key):
        client = _keys(config, key)
        known = client.describe_key(KeyId=key)["KeyMetadata"].get("SigningAlgorithms") or []
        algorithm = next((each for each in ALGORITHMS if each in known), None)
        if algorithm is None:
            raise _wrong_key(key, f"it signs with {', '.join(known) or 'nothing'}")
        signed = client.sign(KeyId=key, Message=message, MessageType="RAW", SigningAlgorithm=algorithm)
    return Signature(key, algorithm, base64.b64encode(signed["Signature"]).decode())


def is_signed(config: StackConfig, key: str, message: bytes, signature: Signature) -> bool:
    """Whether KMS says that the signature of that message is the key's: which key the signature names makes no
    difference. Raises Refused where KMS cannot say."""
    if signature.algorithm not in ALGORITHMS:
        return False
    try:
        value = base64.b64decode(signature.signature, validate=True)
    except binascii.Error:
        return False
    with _of_the_key(config, key):
        try:
            answer = _keys(config, key).verify(
                KeyId=key,
                Message=message,
                MessageType="RAW",
                Signature=value,
                SigningAlgorithm=signature.algorithm,
            )
        except ClientError as error:
            if error_code(error) == "KMSInvalidSignatureException":
                return False
            raise
    return answer["SignatureValid"] is True


def _keys(config: StackConfig, key: str) -> Keys:
    """Of the key's own region: KMS knows it in no other one, and the two stacks may be in two."""
    region, options = key.split(":")[3], endpoint_options(config)
    client: Keys = session(config).client("kms", region_name=region, endpoint_url=config.kms_endpoint, config=options)
    return client


@contextmanager
def _of_the_key(config: StackConfig, key: str) -> Iterator[None]:
    """Turns what KMS says against the key into Refused."""
    with translated_errors(config):
        try:
            yield
        except ClientError as error:
            if error_code(error) in _OF_THE_KEY:
                raise _wrong_key(key, str(error)) from error
            raise


def _wrong_key(key: str, why: str) -> Refused:
    return Refused(
        f"KMS key {key} cannot sign an attestation, or say who did.",
        f"{why.rstrip('.')}.",
        "Name an asymmetric key that signs (RSA or NIST P-256) in promotesFrom.kmsKey.",
    )
