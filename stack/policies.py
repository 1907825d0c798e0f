"""A table's resource policy, with reads of one index denied and without. Pure: a policy is its JSON text."""

from __future__ import annotations

import json
import re
from typing import Any

READS = ("dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQLSelect")
"""Every way to read an index."""
VERSION = "2012-10-17"


def denying_reads(policy: str | None, index_arn: str) -> str:
    """The policy (None: the table has none) with one more statement: nobody may read that index."""
    document: dict[str, Any] = json.loads(policy) if policy else {"Version": VERSION, "Statement": []}
    denial = {
        "Sid": denial_id(index_arn),
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(READS),
        "Resource": index_arn,
    }
    return json.dumps({**document, "Statement": [*_others(document, index_arn), denial]})


def allowing_reads(policy: str, index_arn: str) -> str | None:
    """The policy without that statement; None where nothing is left of it."""
    document: dict[str, Any] = json.loads(policy)
    left = _others(document, index_arn)
    return json.dumps({**document, "Statement": left}) if left else None


def denies_reads(policy: str | None, index_arn: str) -> bool:
    """Whether the policy has our statement about that index."""
    return policy is not None and any(
        statement.get("Sid") == denial_id(index_arn) for statement in _statements(json.loads(policy))
    )


def denial_id(index_arn: str) -> str:
    """The statement's id, by which it is found again. AWS allows letters and digits."""
    return "BrownOut" + re.sub(r"[^A-Za-z0-9]", "", index_arn.rpartition("/")[2])


def _others(document: dict[str, Any], index_arn: str) -> list[Any]:
    return [one for one in _statements(document) if one.get("Sid") != denial_id(index_arn)]


def _statements(document: dict[str, Any]) -> list[Any]:
    """A single statement may stand without a list."""
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]
