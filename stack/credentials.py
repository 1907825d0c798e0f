"""A boto3 session that is who Pulumi's aws provider is: same credentials, same roles, same kind of endpoint."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.loaders import Loader, create_loader

from schema.errors import UsageError
from stack.file.config import StackConfig
from stack.file.provider import WebIdentity

_TAKEN: dict[str, Any] = {}
"""What STS gave for a role, for all sessions of this process: each client has a session of its own."""


def session(config: StackConfig) -> boto3.Session:
    """A session with the stack's region and credentials. Roles are taken on when they are first needed, and again
    before they expire."""
    found = _plain_session(config)
    if config.web_identity is None and not config.roles:
        return found
    held = _by_token(config, config.web_identity) if config.web_identity else found.get_credentials()
    for role in config.roles:
        fetcher = AssumeRoleCredentialFetcher(
            _sts_of(config), held, role.role_arn, extra_args=role.request(), cache=_TAKEN
        )
        held = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    core = _core_session()
    core.register_component("credential_provider", CredentialResolver([_Held(held)]))
    return boto3.Session(botocore_session=core, region_name=config.region)


def endpoint_options(config: StackConfig) -> Config:
    """Whether FIPS and dual-stack endpoints are called."""
    return Config(use_fips_endpoint=config.fips or None, use_dualstack_endpoint=config.dualstack or None)


class _Held(CredentialProvider):
    """Gives the credentials that were put together, and no others."""

    METHOD = "keyshift"

    def __init__(self, held: Credentials | None) -> None:
        super().__init__()
        self._held = held

    def load(self) -> Credentials | None:
        return self._held


def _plain_session(config: StackConfig) -> boto3.Session:
    return boto3.Session(
        botocore_session=_core_session(),
        region_name=config.region,
        profile_name=config.profile,
        aws_access_key_id=config.access_key,
        aws_secret_access_key=config.secret_key,
        aws_session_token=config.session_token,
    )


def _core_session() -> botocore.session.Session:
    core = botocore.session.get_session()
    core.register_component("data_loader", _loader(os.environ.get("AWS_DATA_PATH")))
    return core


@cache
def _loader(path: str | None) -> Loader:
    """What reads the descriptions of AWS's services. One for all clients: it keeps what it has read, and reading takes
    ten times as long as all else that a client needs."""
    return create_loader(path)


def _by_token(config: StackConfig, identity: WebIdentity) -> Credentials:
    def token() -> str:
        if identity.web_identity_token is not None:
            return identity.web_identity_token
        # Read each time: whoever issues the token renews the file.
        path = Path(str(identity.web_identity_token_file))
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(
                f"The token of the web identity of stack {config.stack} cannot be read.",
                f"{error}.",
                "Correct aws:assumeRoleWithWebIdentity, or run it where that file is.",
            ) from None

    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        _sts_of(config), token, identity.role_arn, extra_args=identity.request(), cache=_TAKEN
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role-with-web-identity")


def _sts_of(config: StackConfig) -> Any:
    """What makes the STS clients with which roles are taken on, as botocore's fetchers call it."""

    def create(service: str, **named: Any) -> Any:
        named.setdefault("region_name", config.region)
        return _core_session().create_client(service, endpoint_url=config.sts_endpoint, **named)

    return create
