"""Rules about which tables a stack works on, who may read its file, and whom it tells. They are asked of stacks on AWS
only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stack.lint.finding import Found, Linted

_PLACEHOLDERS = re.compile(r"(\d)\1{11}|123456789012")
"""Account ids that documentation uses, and that no account has."""
_ACCESS_KEY = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")
"""The form of an access key's id (IAM, unique identifiers)."""
_KEY_ID = "aws:accessKey"
"""Where such an id belongs. It is no secret: only with the secret of the key it opens something."""
_SECRETS = ("aws:secretKey", "aws:token")


def placeholder_account(linted: Linted) -> Iterator[Found]:
    """The account is one that nobody has."""
    account = linted.config.settings.account
    if _PLACEHOLDERS.fullmatch(account) and linted.is_complete:
        yield Found(
            "account",
            f"The account {account} is a placeholder.",
            "Credentials of any other account are refused, so nothing runs on this stack.",
            "Write the id of the stack's account: aws sts get-caller-identity",
            setting=("account",),
        )


def plain_secret(linted: Linted) -> Iterator[Found]:
    """A credential of AWS stands in the stack file as plain text."""
    for key, value in linted.file.config.items():
        found = key in _SECRETS and isinstance(value, str)
        if found or (key != _KEY_ID and any(_ACCESS_KEY.search(text) for text in _texts(value))):
            yield Found(
                key,
                f"{key} is a credential in plain text.",
                "Whoever can read the repository, now or later, has it.",
                f"Withdraw it at AWS first. Then use a profile or a role; or: pulumi config set --secret {key}",
                setting=(key,),
            )


def plain_webhook(linted: Linted) -> Iterator[Found]:
    """The address of a webhook stands in the stack file as plain text."""
    subscriptions = linted.file.config.get(f"{linted.config.project}:subscriptions")
    for number, one in enumerate(subscriptions if isinstance(subscriptions, list) else []):
        if isinstance(one, dict) and one.get("protocol") == "https" and isinstance(one.get("endpoint"), str):
            yield Found(
                f"subscriptions[{number}]",
                f"The address of subscription {number + 1}, a webhook, stands in plain text.",
                "Whoever knows the address of a webhook can usually post to it.",
                f"pulumi config set --secret --path '{linted.config.project}:subscriptions[{number}].endpoint' URL",
                setting=("subscriptions", str(number)),
            )


def no_tags(linted: Linted) -> Iterator[Found]:
    """New tables get no tags."""
    if linted.is_complete and not linted.config.settings.tags and "aws:defaultTags" not in linted.file.config:
        yield Found(
            "tags",
            "There are no tags for new tables and the ledger.",
            "Nobody can tell later whose they are, or who pays for them.",
            "Set tags, or aws:defaultTags.",
            setting=("tags",),
        )


def nobody_told(linted: Linted) -> Iterator[Found]:
    """Nobody hears of alarms and failed runs."""
    if linted.is_complete and not linted.config.settings.subscriptions:
        yield Found(
            "subscriptions",
            "Nobody is subscribed to the stack's topic.",
            "Alarms and notices of runs go there. Without a subscription they reach nobody.",
            "Set subscriptions, or accept this if the topic is subscribed to elsewhere.",
            setting=("subscriptions",),
        )


def same_tables(linted: Linted) -> Iterator[Found]:
    """Another stack has the same tables."""
    config = linted.config
    mine = (config.settings.account, config.region, config.settings.table_prefix)
    for other in linted.others():
        theirs = (other.settings.account, other.region, other.settings.table_prefix)
        if other.endpoint is None and theirs == mine and linted.is_complete:
            yield Found(
                "tablePrefix",
                f"Stack {other.name} has the same account, region and tablePrefix.",
                "So both mean the same tables, and each would change them under the other.",
                "Give each stack a tablePrefix or an account of its own.",
                setting=("tablePrefix",),
            )


def state_in_a_folder(linted: Linted) -> Iterator[Found]:
    """Pulumi's state of the stack lies on one machine."""
    if linted.config.settings.backend.startswith("file://"):
        yield Found(
            "backend",
            "Pulumi keeps the state of this stack in a folder.",
            "Another machine does not have it, and would adopt the tables once more. A folder locks nobody out.",
            "Keep it in a bucket or on Pulumi's service.",
            setting=("backend",),
        )


def _texts(value: Any) -> Iterator[str]:
    """Every plain text in a value of a stack file; what is encrypted is none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict) and set(value) != {"secure"}:
        for each in value.values():
            yield from _texts(each)
