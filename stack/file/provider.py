"""The options of Pulumi's aws provider that a stack's configuration sets (`aws:…`).

The tasks call AWS themselves, and have to reach what Pulumi reaches. So each option of the provider is on one of three
lists: the tasks obey it, it makes no difference to them, or it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from stack.file.faults import fault, unknown_key

OBEYED = frozenset(
    {
        "accessKey",
        "assumeRoleWithWebIdentity",
        "assumeRoles",
        "endpoints",
        "profile",
        "region",
        "secretKey",
        "token",
        "useDualstackEndpoint",
        "useFipsEndpoint",
    }
)
"""The tasks' own clients do as the provider does."""
HARMLESS = frozenset(
    {
        "allowedAccountIds",
        "defaultTags",
        "forbiddenAccountIds",
        "ignoreTags",
        "maxRetries",
        "retryMode",
        "s3UsEast1RegionalEndpoint",
        "s3UsePathStyle",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "tagPolicyCompliance",
        "tokenBucketRateLimiterCapacity",
        "userAgents",
    }
)
"""They do not change which account, region or endpoint is reached, nor as whom."""
REFUSED = {
    "customCaBundle": "Set AWS_CA_BUNDLE in the environment instead; both obey it.",
    "ec2MetadataServiceEndpoint": "Set AWS_EC2_METADATA_SERVICE_ENDPOINT in the environment instead; both obey it.",
    "ec2MetadataServiceEndpointMode": "Set AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE in the environment instead; both "
    "obey it.",
    "httpProxy": "Set HTTP_PROXY in the environment instead; both obey it.",
    "httpsProxy": "Set HTTPS_PROXY in the environment instead; both obey it.",
    "insecure": "Set AWS_CA_BUNDLE in the environment to the certificate that is to be trusted.",
    "noProxy": "Set NO_PROXY in the environment instead; both obey it.",
    "sharedConfigFiles": "Set AWS_CONFIG_FILE in the environment instead; both obey it.",
    "sharedCredentialsFiles": "Set AWS_SHARED_CREDENTIALS_FILE in the environment instead; both obey it.",
    "stsRegion": "Set an endpoint for `sts` in aws:endpoints instead; both obey it.",
}
"""The tasks' clients cannot obey them, so they and Pulumi could reach different places; and what to do instead."""

# Services whose endpoint a stack may name.
_SERVICES = {"cloudwatch", "dynamodb", "iam", "kms", "lambda", "logs", "s3", "sns", "sts"}
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class AssumedRole(_Options):
    """A role that the credentials take on, as `aws:assumeRoles` lists them; each by what the one before gives.
    `duration` is like `1h30m`."""

    role_arn: str
    duration: str | None = None
    external_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    session_name: str | None = None
    source_identity: str | None = None
    tags: dict[str, str] = {}
    transitive_tag_keys: tuple[str, ...] = ()

    def request(self) -> dict[str, Any]:
        """The further parameters of STS's AssumeRole, without the role."""
        found: dict[str, Any] = {
            "DurationSeconds": seconds(self.duration) if self.duration else None,
            "ExternalId": self.external_id,
            "Policy": self.policy,
            "PolicyArns": [{"arn": arn} for arn in self.policy_arns],
            "RoleSessionName": self.session_name,
            "SourceIdentity": self.source_identity,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
            "TransitiveTagKeys": list(self.transitive_tag_keys),
        }
        return {name: value for name, value in found.items() if value}


class WebIdentity(_Options):
    """A role that is taken on with a token of an identity provider, as `aws:assumeRoleWithWebIdentity` says."""

    role_arn: str
    duration: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    session_name: str | None = None
    web_identity_token: str | None = None
    web_identity_token_file: str | None = None

    def request(self) -> dict[str, Any]:
        """The further parameters of STS's AssumeRoleWithWebIdentity, without the role and the token."""
        return AssumedRole(
            roleArn=self.role_arn,
            duration=self.duration,
            policy=self.policy,
            policyArns=self.policy_arns,
            sessionName=self.session_name,
        ).request()


@dataclass(frozen=True)
class ProviderOptions:
    """What the tasks obey of the provider's options. `endpoints` are URLs by service, none on AWS itself."""

    region: str
    endpoints: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    roles: tuple[AssumedRole, ...] = field(default=(), repr=False)
    web_identity: WebIdentity | None = field(default=None, repr=False)
    fips: bool = False
    dualstack: bool = False


def provider_options(values: Mapping[str, str], path: Path) -> ProviderOptions:
    """Reads the values of the `aws:` namespace; `path` is the stack's file. Raises UsageError for a wrong value, and
    for options that are refused or unknown."""
    for name in values:
        if name in REFUSED:
            what = f"aws:{name} is refused"
            raise fault(path, what, "Pulumi would obey it, and the tasks' own calls of AWS could not", REFUSED[name])
        if name not in OBEYED | HARMLESS:
            raise unknown_key(path, f"config key aws:{name}", f"aws:{name}", [f"aws:{each}" for each in _known()])
    region = values.get("region")
    if region is None:
        raise fault(path, "aws:region is missing", "every stack names its region")
    if region not in _regions():
        raise unknown_key(path, f"aws:region: {region}", region, _regions())
    if ("accessKey" in values) != ("secretKey" in values):
        raise fault(path, "aws:accessKey and aws:secretKey go together", "one of them is missing")
    if "token" in values and "accessKey" not in values:
        raise fault(path, "aws:token and aws:accessKey go together", "a token belongs to its access key")
    return ProviderOptions(
        region=region,
        endpoints=_endpoints(values.get("endpoints"), path),
        profile=values.get("profile"),
        access_key=values.get("accessKey"),
        secret_key=values.get("secretKey"),
        token=values.get("token"),
        roles=_parsed(values, "assumeRoles", tuple[AssumedRole, ...], path) or (),
        web_identity=_web_identity(values, path),
        fips=_flag(values, "useFipsEndpoint", path),
        dualstack=_flag(values, "useDualstackEndpoint", path),
    )


def seconds(duration: str) -> int:
    """The whole seconds of a duration as Go writes it, such as `1h30m`. Raises ValueError for what is none."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(h|ms|us|µs|ns|m|s)", duration)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration")
    return int(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _web_identity(values: Mapping[str, str], path: Path) -> WebIdentity | None:
    found: WebIdentity | None = _parsed(values, "assumeRoleWithWebIdentity", WebIdentity, path)
    if found is not None and (found.web_identity_token is None) == (found.web_identity_token_file is None):
        why = "it has one of webIdentityToken and webIdentityTokenFile"
        raise fault(path, "aws:assumeRoleWithWebIdentity has a wrong value", why)
    return found


def _parsed(values: Mapping[str, str], name: str, type: Any, path: Path) -> Any:
    """The value of an option that is an object, or None. An error does not show it: it may be a secret."""
    if name not in values:
        return None
    try:
        # A sequence in JSON is a list, which strict validation would not take for a tuple.
        found = TypeAdapter(type).validate_json(values[name])
        for each in found if isinstance(found, tuple) else (found,):
            each.request()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}" if where else first["msg"]
        raise fault(path, f"aws:{name} has a wrong value", why) from None
    except ValueError as error:
        raise fault(path, f"aws:{name} has a wrong value", f"{error}; one is like 1h or 90m") from None
    return found


def _flag(values: Mapping[str, str], name: str, path: Path) -> bool:
    found = values.get(name, "false")
    if found not in {"true", "false"}:
        raise fault(path, f"aws:{name} has a wrong value", "it is true or false")
    return found == "true"


def _endpoints(text: str | None, path: Path) -> dict[str, str]:
    """The URL of each service, out of the provider's list of them; empty on real AWS."""
    if text is None:
        return {}
    try:
        endpoints = json.loads(text)
    except ValueError:
        endpoints = None
    if not (isinstance(endpoints, list) and len(endpoints) == 1 and isinstance(endpoints[0], dict)):
        raise fault(path, "aws:endpoints has a wrong value", "it is a list of one map from service to URL")
    for service, url in endpoints[0].items():
        if service not in _SERVICES:
            raise unknown_key(path, f"service {service} in aws:endpoints", str(service), sorted(_SERVICES))
        if not isinstance(url, str) or not _is_endpoint(url):
            raise fault(path, "aws:endpoints has a wrong value", f"the URL of {service} is like http://127.0.0.1:5995")
    return dict(endpoints[0])


def _is_endpoint(url: str) -> bool:
    found = re.fullmatch(r"https?://[A-Za-z0-9.-]+(?::([0-9]{1,5}))?", url)
    return found is not None and 0 < int(found[1] or 443) < 65536


def _known() -> list[str]:
    return sorted(OBEYED | HARMLESS)


@cache
def _regions() -> list[str]:
    """Every region in which AWS offers DynamoDB, as far as the AWS SDK knows."""
    # Not above: they are slow to load, and whoever is refused at once never needs them.
    from botocore.loaders import Loader
    from botocore.regions import EndpointResolver

    # Not a session's: that would read a user's own AWS configuration, and stumble over what is wrong there.
    resolver = EndpointResolver(Loader().load_data("endpoints"))
    return [
        region
        for partition in resolver.get_available_partitions()
        for region in resolver.get_available_endpoints("dynamodb", partition)
    ]
