"""Who is told of alarms and of how runs go: the subscriptions of the stack's topic.

An address may be a secret, such as the URL of a webhook. So it stands in no name of a resource: names are shown in
previews and logs, and kept in the state as plain text.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache

from stack.file.config import StackConfig
from stack.file.settings import MAY_BE_SECRET

_NO_SECRET = {"email", "email-json"}
"""Protocols whose addresses are people's, and who would have to confirm a subscription that is made again."""


@dataclass(frozen=True)
class TopicSubscription:
    """One subscription: `resource` is its name in the Pulumi program, `former_resource` the one that older versions
    gave it, None where that would show a secret."""

    resource: str
    protocol: str
    endpoint: str = field(repr=False)
    former_resource: str | None = field(repr=False)


def subscriptions(config: StackConfig) -> list[TopicSubscription]:
    """The subscriptions, each once. A name stays when others come or go, for a subscription that is made anew has to be
    confirmed again."""
    secret = bool(MAY_BE_SECRET & config.secret_settings)
    found: dict[str, TopicSubscription] = {}
    for entry in config.settings.subscriptions:
        endpoint = entry.endpoint.get_secret_value()
        former = f"subscription/{entry.protocol}/{endpoint}"
        resource = f"subscription/{entry.protocol}/{_digest(config.topic_arn, endpoint)}"
        shown = not secret or entry.protocol in _NO_SECRET
        found[resource] = TopicSubscription(resource, entry.protocol, endpoint, former if shown else None)
    return list(found.values())


@cache
def _digest(topic_arn: str, endpoint: str) -> str:
    """What stands for an address in a name. It is slow to compute (a twentieth of a second), so that a short address,
    such as a telephone number, cannot be found by trying all of them."""
    return hashlib.scrypt(endpoint.encode(), salt=topic_arn.encode(), n=2**14, r=8, p=1, dklen=8).hex()
