"""Resource policies of tables, which moto keeps and never applies: what one explicitly denies of reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from local.consumption import read_by

ACTIONS = {"Query": "dynamodb:Query", "Scan": "dynamodb:Scan", "ExecuteStatement": "dynamodb:PartiQLSelect"}


def denial(account: str, region: str, operation: str, body: Mapping[str, Any]) -> str | None:
    """Why the request may not read what it wants to, in AWS's words; None if nothing denies it.

    Only statements that deny everybody outright are applied: all local credentials are the same, and conditions are not
    understood.
    """
    policies = dynamodb_backends[account][region].resource_policies
    if not policies or operation not in ACTIONS:
        return None
    read = read_by(operation, body)
    if read is None:
        return None
    table, index = read
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{table.rpartition('/')[2]}"
    policy = policies.get(arn)
    resource = f"{arn}/index/{index}" if index else arn
    if policy is None or not any(
        _denies(statement, ACTIONS[operation], resource)
        for statement in _listed(json.loads(policy.policy_doc).get("Statement"))
    ):
        return None
    return (
        f"User: arn:aws:iam::{account}:root is not authorized to perform: {ACTIONS[operation]} on resource: {resource} "
        "with an explicit deny in a resource-based policy"
    )


def _denies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    return (
        statement.get("Effect") == "Deny"
        and everybody
        and "Condition" not in statement
        and any(fnmatchcase(action.lower(), str(named).lower()) for named in _listed(statement.get("Action")))
        and any(fnmatchcase(resource, str(named)) for named in _listed(statement.get("Resource")))
    )


def _listed(value: Any) -> list[Any]:
    """IAM writes a list of one as the one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
