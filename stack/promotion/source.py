"""The stack that another one promotes from, as its stack file tells of it in plain text, and its ledger, read only.

Its configuration is not resolved by Pulumi: that could need the key of its secrets, which whoever changes the other
stack need not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from schema.errors import Refused, ToolError
from schema.model import Schema
from schema.project import Project
from stack.aws import check_account, read_only_dynamodb
from stack.file.config import StackConfig
from stack.file.document import StackFile, read_stack_file
from stack.file.faults import fault
from stack.file.provider import AssumedRole, provider_options
from stack.file.settings import PromotesFrom
from stack.ledger.ledger import Ledger
from stack.ledger.records import STACK, AttestationProof


def other_stack(config: StackConfig, schema: Schema, wanted: PromotesFrom) -> StackConfig:
    """The stack that this one promotes from, with this one's credentials, or the role that may read its ledger. Raises
    UsageError, and Refused where its file does not say in plain text what is needed."""
    file = read_stack_file(wanted.stack, config.checkout, Project(config.project, schema))
    aws = {"region": _plain(file, "aws:region")}
    if "aws:endpoints" in file.config:
        aws["endpoints"] = json.dumps(file.config["aws:endpoints"])
    options = provider_options(aws, file.path)
    names = {"table_prefix": "tablePrefix", "account": "account"}
    said = {field: _plain(file, config.setting(name)) for field, name in names.items()}
    role = (AssumedRole(roleArn=wanted.role),) if wanted.role else ()
    return replace(
        config,
        stack=wanted.stack,
        settings=config.settings.model_copy(update=said),
        region=options.region,
        endpoint=options.endpoints.get("dynamodb"),
        sts_endpoint=options.endpoints.get("sts"),
        roles=(*config.roles, *role),
    )


def is_within_reach(config: StackConfig, other: StackConfig, wanted: PromotesFrom) -> bool:
    """Whether the other stack's ledger is read: it is in the same account, or there is a role for it."""
    return wanted.role is not None or other.settings.account == config.settings.account


def attestation_of(other: StackConfig) -> AttestationProof | None:
    """The attestation in the other stack's ledger, or None. Raises Refused where that cannot be read."""
    try:
        check_account(other)
        return Ledger(read_only_dynamodb(other), other).proof(AttestationProof, STACK)
    except (ToolError, ClientError, BotoCoreError) as error:
        why = f"{error.what} {error.why}" if isinstance(error, ToolError) else f"{error}."
        raise Refused(
            f"The ledger of stack {other.name} cannot be read, so nobody can say whether it is attested.",
            why,
            "Allow dynamodb:GetItem on it, name a role in promotesFrom.role, or use --attestation FILE.",
        ) from error


def promoting_from(config: StackConfig, schema: Schema) -> Iterator[tuple[str, PromotesFrom]]:
    """The stack files beside this one's which say that they promote from it: each stack, and what it wants. Raises
    UsageError for one that cannot be read."""
    for path in sorted(config.checkout.glob("Pulumi.*.yaml")):
        stack = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        file = read_stack_file(stack, config.checkout, Project(config.project, schema))
        said = file.config.get(config.setting("promotesFrom"))
        if not isinstance(said, dict) or said.get("stack") != config.name:
            continue
        try:
            yield stack, PromotesFrom.model_validate(said)
        except ValidationError as error:
            raise fault(path, f"{config.setting('promotesFrom')} has a wrong value", error.errors()[0]["msg"]) from None


def _plain(file: StackFile, key: str) -> str:
    found: Any = file.config.get(key)
    if not isinstance(found, str):
        raise Refused(
            f"{file.path.name} does not say {key} as plain text.",
            "Another stack promotes from this one, and finds its ledger by that.",
            "Write it into the file, or use an attestation that comes as a file.",
        )
    return found
