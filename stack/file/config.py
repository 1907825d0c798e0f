"""All that is configured for one stack, validated once, for the tasks and for the program alike."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schema.project import Project
from stack.file.document import StackFile, read_stack_file
from stack.file.faults import fault, unknown_key
from stack.file.names import StackReference, backend_url, is_local, stack_name
from stack.file.provider import AssumedRole, WebIdentity, provider_options
from stack.file.resolving import Resolved, resolve
from stack.file.settings import FORMER_NAMES, MAY_BE_SECRET, Settings, as_json, from_texts, setting_names

LEAST_SECRET = 4
"""Letters of a text that is hidden as a secret: to hide a shorter one would make other words unreadable."""
HIDDEN = "[secret]"
"""What stands for a secret in a text."""


@dataclass(frozen=True)
class StackConfig:
    """All that is configured for one stack. `stack` is what Pulumi calls it, with an organization where that makes a
    difference. `checkout` is where the stack file lies; `project` is the name in its Pulumi.yaml, and the namespace of
    its settings. `endpoint` is None on real AWS. `variables` are those that the stack's ESC environments set."""

    stack: str
    checkout: Path
    settings: Settings
    region: str
    project: str
    endpoint: str | None = None
    sts_endpoint: str | None = None
    cloudwatch_endpoint: str | None = None
    sns_endpoint: str | None = None
    lambda_endpoint: str | None = None
    scaling_endpoint: str | None = None
    kms_endpoint: str | None = None
    profile: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    roles: tuple[AssumedRole, ...] = field(default=(), repr=False)
    web_identity: WebIdentity | None = field(default=None, repr=False)
    fips: bool = False
    dualstack: bool = False
    secrets_provider: str | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    secret_settings: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The stack's name, after which its file is named."""
        return stack_name(self.stack)

    @property
    def stack_file(self) -> Path:
        return self.checkout / f"Pulumi.{self.name}.yaml"

    def setting(self, name: str) -> str:
        """The key of a setting as it stands in the stack file, such as `orders:account`."""
        return f"{self.project}:{name}"

    @property
    def is_local(self) -> bool:
        """Whether this is an embedded stack, on the server that `local.up` starts and `local.reset` may wipe."""
        return is_local(self.name)

    @property
    def backend_url(self) -> str:
        """Where Pulumi keeps this stack's state. A relative `file://` path starts at the checkout."""
        return backend_url(self.settings.backend, self.checkout)

    def physical_name(self, table: str) -> str:
        """The table's name in AWS."""
        return f"{self.settings.table_prefix}{table}"

    @property
    def is_monitored(self) -> bool:
        """Whether there is a CloudWatch and an SNS for monitors: always on AWS, elsewhere if the file names them."""
        return not self.endpoint or bool(self.cloudwatch_endpoint and self.sns_endpoint)

    @property
    def dashboard_name(self) -> str:
        """The dashboard's name in AWS."""
        return self.settings.dashboard or self.physical_name("migration").replace(".", "-")

    @property
    def topic_name(self) -> str:
        """The name in AWS of the SNS topic that alarms and runs report to."""
        return self.physical_name("migration").replace(".", "-")

    @property
    def topic_arn(self) -> str:
        """The topic's ARN: known before the topic is made."""
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        partition = "aws-us-gov" if self.region.startswith("us-gov-") else partition
        return f"arn:{partition}:sns:{self.region}:{self.settings.account}:{self.topic_name}"

    @property
    def ledger_name(self) -> str:
        """The name in AWS of the table in which the tool keeps what it has proven."""
        return self.physical_name("migration-ledger")


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def load_config(
    stack: str, checkout: Path, project: Project, environment: Mapping[str, str] | None = None
) -> StackConfig:
    """Reads `Pulumi.<stack>.yaml`, and has Pulumi resolve it. `stack` may name organization and project;
    `environment` is what the CLI is told besides the process's own environment. Raises UsageError for any fault."""
    file = read_stack_file(stack, checkout, project)
    reference = reference_of(stack, file)
    file.refuse_without_key()
    found = resolve(file, reference, {**credentials(file), **(environment or {})})
    return replace(config_of(reference, file.path, project, found), secrets_provider=file.secrets_provider)


def reference_of(stack: str, file: StackFile) -> str:
    """What Pulumi calls the stack that `stack` names. Raises UsageError where that is not this file's."""
    named = StackReference.parse(stack)
    return named.within(file.project, file.backend) if named else file.name


def credentials(file: StackFile) -> dict[str, str]:
    """What a key service needs to decrypt the rest, as far as it stands in the file as plain text."""
    names = {
        "AWS_REGION": "region",
        "AWS_PROFILE": "profile",
        "AWS_ACCESS_KEY_ID": "accessKey",
        "AWS_SECRET_ACCESS_KEY": "secretKey",
    }
    found = {variable: file.config.get(f"aws:{name}") for variable, name in names.items()}
    endpoints = file.config.get("aws:endpoints")
    if isinstance(endpoints, list) and endpoints and isinstance(endpoints[0], dict):
        found["AWS_ENDPOINT_URL_KMS"] = endpoints[0].get("kms")
    return {variable: value for variable, value in found.items() if isinstance(value, str)}


def config_of(stack: str, path: Path, project: Project, found: Resolved) -> StackConfig:
    """Checks a resolved configuration; `path` is the stack's file. Raises UsageError for any fault in it."""
    _refuse_other_namespaces(found, project, path)
    ours = found.within(project.name)
    settings = _validate(ours, found.secrets, path, project.name)
    _check_names(settings, project, path)
    _check_streams(settings, path, project.name)
    _check_promotion(settings, path, project.name)
    aws = provider_options(found.within("aws"), path)
    _check_backend(settings, path, project.name)
    return StackConfig(
        stack=stack,
        checkout=path.parent,
        settings=settings,
        region=aws.region,
        project=project.name,
        endpoint=aws.endpoints.get("dynamodb"),
        sts_endpoint=aws.endpoints.get("sts"),
        cloudwatch_endpoint=aws.endpoints.get("cloudwatch"),
        sns_endpoint=aws.endpoints.get("sns"),
        lambda_endpoint=aws.endpoints.get("lambda"),
        scaling_endpoint=aws.endpoints.get("applicationautoscaling"),
        kms_endpoint=aws.endpoints.get("kms"),
        profile=aws.profile,
        access_key=aws.access_key,
        secret_key=aws.secret_key,
        session_token=aws.token,
        roles=aws.roles,
        web_identity=aws.web_identity,
        fips=aws.fips,
        dualstack=aws.dualstack,
        secrets=_secrets(found, project.name, settings),
        secret_settings=frozenset(key.partition(":")[2] for key in found.secrets if key.startswith(f"{project.name}:")),
        variables=found.variables,
    )


def _refuse_other_namespaces(found: Resolved, project: Project, path: Path) -> None:
    """Other packages' settings are theirs. But one of ours under a name that is almost the project's is a mistake."""
    for key in found.values:
        namespace, _, name = key.partition(":")
        meant = difflib.get_close_matches(namespace, [project.name], cutoff=0.8)
        if namespace != project.name and name in setting_names() and meant:
            raise unknown_key(path, f"config key {key}", f"{project.name}:{name}", [f"{project.name}:{name}"])


def _secrets(found: Resolved, namespace: str, settings: Settings) -> frozenset[str]:
    """Every text of a secret value, which no error may show; but for those that are too short to be one. Of a
    subscription that is its address, whether or not the file keeps it secret."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                yield from texts(each)
        elif isinstance(value, str):
            yield value

    values = [found.values[key] for key in found.secrets if not key.startswith(f"{namespace}:")]
    hidden = {text for value in values for text in texts(as_json(value))} | set(values)
    hidden |= {subscription.endpoint.get_secret_value() for subscription in settings.subscriptions}
    return frozenset(text for text in hidden if len(text) >= LEAST_SECRET)


def _validate(ours: Mapping[str, str], secrets: Collection[str], path: Path, namespace: str) -> Settings:
    for name in ours:
        if f"{namespace}:{name}" in secrets and name in setting_names() and name not in MAY_BE_SECRET:
            raise fault(
                path,
                f"{namespace}:{name} is a secret",
                "it is shown in reports and errors, so it cannot be kept secret",
                f"Write it as plain text. What may be secret: {', '.join(sorted(MAY_BE_SECRET))}.",
            )
    try:
        return Settings.model_validate(from_texts(ours))
    except ValidationError as error:
        # A mistyped key is also a missing one; the typo is what the user wants to hear of.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        key = f"{namespace}:" + ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = setting_names() if len(first["loc"]) == 1 else setting_names(str(first["loc"][0]))
            word = str(first["loc"][-1])
            raise unknown_key(path, f"config key {key}", FORMER_NAMES.get(word, word), known) from None
        if first["type"] == "missing":
            raise fault(path, f"{key} is missing", "the stack cannot run without it") from None
        shown = HIDDEN if f"{namespace}:{first['loc'][0]}" in secrets else repr(first["input"])
        raise fault(path, f"{key} has a wrong value: {shown}", first["msg"].removeprefix("Value error, ")) from None


def _check_backend(settings: Settings, path: Path, namespace: str) -> None:
    """A folder that holds Pulumi's state has to be there. The local stack makes the one below the checkout."""
    scheme, _, folder = settings.backend.partition("://")
    if scheme == "file" and folder.startswith(("/", "~")) and not Path(folder).expanduser().is_dir():
        raise fault(path, f"{namespace}:backend has a wrong value: {settings.backend!r}", "there is no such folder")


def _check_names(settings: Settings, project: Project, path: Path) -> None:
    """Tables and indexes that the settings name must be in the schema: a mistyped approval approves nothing."""
    schema = project.schema
    retired = [str(index.ref(table)) for table in schema for index in table.retired]
    indexes = [str(ref) for table in schema for ref in table.refs]
    tables = [table.name for table in schema]
    patterns = [pattern.name for pattern in schema.access_patterns]
    for key, names, known in (
        ("approvals", settings.approvals, retired),
        ("acceptedViolations", settings.accepted_violations, tables),
        ("acceptedHotKeys", settings.accepted_hot_keys, indexes),
        ("buildingWriteUnits", settings.building_write_units, indexes),
        ("replaceStreams", settings.replace_streams, tables),
        ("keepStream", settings.keep_stream, tables),
        ("acknowledgedOwners", settings.acknowledged_owners, tables),
        ("loadTest.weights", settings.load_test.weights, patterns),
    ):
        for name in map(str, names):
            if name not in known:
                raise unknown_key(path, f"{project.name}:{key}: {name}", name, known)


def _check_promotion(settings: Settings, path: Path, namespace: str) -> None:
    wanted = settings.promotes_from
    if wanted is not None and path.name == f"Pulumi.{wanted.stack}.yaml":
        raise fault(
            path,
            f"{namespace}:promotesFrom.stack is this stack itself",
            "it is another one, which is changed and attested first",
        )


def _check_streams(settings: Settings, path: Path, namespace: str) -> None:
    for name in settings.keep_stream:
        if name in settings.replace_streams:
            raise fault(
                path,
                f"{namespace}:keepStream and {namespace}:replaceStreams both name {name}",
                "its stream can be kept or replaced, not both",
            )
