"""A stack's settings: `Pulumi.<stack>.yaml`, read and validated once, for the tasks and for the program alike."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.error import YAMLError

from schema.errors import UsageError
from schema.project import Project
from stack.file import strict_yaml
from stack.file.settings import FORMER_NAMES, Settings, setting_names

PROJECT_FILE = "Pulumi.yaml"
_STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# What the provider reads of the `aws:` namespace and we pass on or use. Anything else there is refused, because a
# mistyped provider key is otherwise ignored in silence.
_AWS_KEYS = {
    "region",
    "profile",
    "accessKey",
    "secretKey",
    "endpoints",
    "skipCredentialsValidation",
    "skipRequestingAccountId",
    "skipMetadataApiCheck",
    "s3UsePathStyle",
    "allowedAccountIds",
}
# Services whose endpoint a stack may name.
_SERVICES = {"applicationautoscaling", "cloudwatch", "dynamodb", "iam", "kms", "lambda", "logs", "s3", "sns", "sts"}
# Top-level keys that Pulumi itself owns in a stack file.
_PULUMI_KEYS = {"config", "secretsprovider", "encryptionsalt", "encryptedkey"}


@dataclass(frozen=True)
class StackConfig:
    """All that is configured for one stack. `checkout` is where the stack file lies; `project` is the name in its
    Pulumi.yaml, and the namespace of its settings. `endpoint` is None on real AWS."""

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
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    secrets_provider: str | None = None

    @property
    def stack_file(self) -> Path:
        return self.checkout / f"Pulumi.{self.stack}.yaml"

    def setting(self, name: str) -> str:
        """The key of a setting as it stands in the stack file, such as `orders:account`."""
        return f"{self.project}:{name}"

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded stack that `local.up` starts and `local.reset` may wipe."""
        return self.stack == "local"

    @property
    def backend_url(self) -> str:
        """Where Pulumi keeps this stack's state. A relative `file://` path starts at the checkout."""
        scheme, separator, path = self.settings.backend.partition("://")
        if scheme == "file" and separator and not path.startswith(("/", "~")):
            return f"file://{self.checkout / path}"
        return self.settings.backend

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


def load_config(stack: str, checkout: Path, project: Project) -> StackConfig:
    """Reads and checks `Pulumi.<stack>.yaml` and the name in Pulumi.yaml. Raises UsageError for any fault in them."""
    path = find_stack_file(stack, checkout)
    _check_project(checkout / PROJECT_FILE, project)
    document = _read_yaml(path)
    config: dict[str, Any] = document["config"]
    ours: dict[str, Any] = {}
    aws: dict[str, Any] = {}
    for key, value in config.items():
        namespace, _, name = str(key).partition(":")
        if namespace == project.name and name:
            ours[name] = value
        elif namespace == "aws" and name in _AWS_KEYS:
            aws[name] = value
        else:
            known = [f"aws:{name}" for name in _AWS_KEYS] + [f"{project.name}:{name}" for name in setting_names()]
            meant = f"{project.name}:{name}" if name in setting_names() else str(key)
            raise _unknown_key(path, f"config key {key}", meant, known)
    settings = _validate(ours, path, project.name)
    _check_names(settings, project, path)
    _check_streams(settings, path, project.name)
    region = aws.get("region")
    if region is None:
        raise _fault(path, "aws:region is missing", "every stack names its region")
    if region not in _regions():
        raise _unknown_key(path, f"aws:region: {region}", str(region), _regions())
    _check_backend(settings, path, project.name)
    if ("accessKey" in aws) != ("secretKey" in aws):
        raise _fault(path, "aws:accessKey and aws:secretKey go together", "one of them is missing")
    for key in ("profile", "accessKey", "secretKey"):
        if not isinstance(aws.get(key, ""), str):
            raise _fault(path, f"aws:{key} has a wrong value", "it is a plain text")
    if not isinstance(document.get("secretsprovider", ""), str):
        raise _fault(path, "secretsprovider has a wrong value", "it is a URL such as awskms://alias/name")
    endpoints = _endpoints(aws.get("endpoints"), path)
    return StackConfig(
        stack=stack,
        checkout=checkout,
        settings=settings,
        region=region,
        project=project.name,
        endpoint=endpoints.get("dynamodb"),
        sts_endpoint=endpoints.get("sts"),
        cloudwatch_endpoint=endpoints.get("cloudwatch"),
        sns_endpoint=endpoints.get("sns"),
        lambda_endpoint=endpoints.get("lambda"),
        scaling_endpoint=endpoints.get("applicationautoscaling"),
        profile=aws.get("profile"),
        access_key=aws.get("accessKey"),
        secret_key=aws.get("secretKey"),
        secrets_provider=document.get("secretsprovider"),
    )


def find_stack_file(stack: str, checkout: Path) -> Path:
    """The settings of that stack. Raises UsageError for a name that no file of the checkout has."""
    present = sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in checkout.glob("Pulumi.*.yaml"))
    if not _STACK_NAME.fullmatch(stack) or stack not in present:
        raise UsageError(
            f"There is no stack {stack!r}.",
            f"A stack is a file Pulumi.<stack>.yaml in {checkout}; there are: {', '.join(present) or 'none'}.",
            guess(stack, present) or "Run: ./invoke --help plan",
        )
    return checkout / f"Pulumi.{stack}.yaml"


def _check_project(path: Path, project: Project) -> None:
    """Pulumi keeps the state under the name in Pulumi.yaml, and reads the settings under it."""
    document = _parsed(path)
    name = document.get("name") if isinstance(document, dict) else None
    if name != project.name:
        raise UsageError(
            f"{path.name}: the name is {name!r}, and the project's is {project.name!r}.",
            "Pulumi keeps a stack's state under that name, and its settings are read under it.",
            f"Set `name: {project.name}` in {path.name}, or rename the project in its Project(…).",
        )


def _read_yaml(path: Path) -> dict[str, Any]:
    document = _parsed(path)
    if not isinstance(document, dict) or not isinstance(document.get("config"), dict):
        raise _fault(path, "it has no `config:` section", "all settings of a stack stand under `config:`")
    for key in document:
        if key not in _PULUMI_KEYS:
            raise _unknown_key(path, f"top-level key {key}", str(key), sorted(_PULUMI_KEYS))
    return document


def _parsed(path: Path) -> Any:
    try:
        return strict_yaml.read(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise _fault(path, "it is not YAML", " ".join(str(error).split())) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path, "it cannot be read", str(error)) from None


def _validate(ours: dict[str, Any], path: Path, namespace: str) -> Settings:
    try:
        return Settings.model_validate(ours)
    except ValidationError as error:
        # A mistyped key is also a missing one; the typo is what the user wants to hear of.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        key = f"{namespace}:" + ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = setting_names() if len(first["loc"]) == 1 else setting_names(str(first["loc"][0]))
            word = str(first["loc"][-1])
            raise _unknown_key(path, f"config key {key}", FORMER_NAMES.get(word, word), known) from None
        if first["type"] == "missing":
            raise _fault(path, f"{key} is missing", "the stack cannot run without it") from None
        raise _fault(
            path, f"{key} has a wrong value: {first['input']!r}", first["msg"].removeprefix("Value error, ")
        ) from None


def _check_backend(settings: Settings, path: Path, namespace: str) -> None:
    """A folder that holds Pulumi's state has to be there. The local stack makes the one below the checkout."""
    scheme, _, folder = settings.backend.partition("://")
    if scheme == "file" and folder.startswith(("/", "~")) and not Path(folder).expanduser().is_dir():
        raise _fault(path, f"{namespace}:backend has a wrong value: {settings.backend!r}", "there is no such folder")


def _check_names(settings: Settings, project: Project, path: Path) -> None:
    """Tables and indexes that the settings name must be in the schema: a mistyped approval approves nothing."""
    schema = project.schema
    retired = [str(index.ref(table)) for table in schema for index in table.retired]
    indexes = [str(ref) for table in schema for ref in table.refs]
    tables = [table.name for table in schema]
    for key, names, known in (
        ("approvals", settings.approvals, retired),
        ("acceptedViolations", settings.accepted_violations, tables),
        ("acceptedHotKeys", settings.accepted_hot_keys, indexes),
        ("buildingWriteUnits", settings.building_write_units, indexes),
        ("replaceStreams", settings.replace_streams, tables),
        ("keepStream", settings.keep_stream, tables),
        ("acknowledgedOwners", settings.acknowledged_owners, tables),
    ):
        for name in map(str, names):
            if name not in known:
                raise _unknown_key(path, f"{project.name}:{key}: {name}", name, known)


def _check_streams(settings: Settings, path: Path, namespace: str) -> None:
    for name in settings.keep_stream:
        if name in settings.replace_streams:
            raise _fault(
                path,
                f"{namespace}:keepStream and {namespace}:replaceStreams both name {name}",
                "its stream can be kept or replaced, not both",
            )


def _endpoints(endpoints: Any, path: Path) -> dict[str, str]:
    """The URL of each service, out of the provider's list of them; empty on real AWS."""
    if endpoints is None:
        return {}
    if not (isinstance(endpoints, list) and len(endpoints) == 1 and isinstance(endpoints[0], dict)):
        raise _fault(path, "aws:endpoints has a wrong value", "it is a list of one map from service to URL")
    for service, url in endpoints[0].items():
        if service not in _SERVICES:
            raise _unknown_key(path, f"service {service} in aws:endpoints", str(service), sorted(_SERVICES))
        if not isinstance(url, str) or not _is_endpoint(url):
            raise _fault(path, "aws:endpoints has a wrong value", f"the URL of {service} is like http://127.0.0.1:5995")
    return dict(endpoints[0])


def _is_endpoint(url: str) -> bool:
    found = re.fullmatch(r"https?://[A-Za-z0-9.-]+(?::([0-9]{1,5}))?", url)
    return found is not None and 0 < int(found[1] or 443) < 65536


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


def guess(word: str, known: list[str]) -> str:
    """A question about what was meant by a mistyped word, or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else ""


def _unknown_key(path: Path, what: str, word: str, known: list[str]) -> UsageError:
    meant = guess(word, known) or f"Known are: {', '.join(sorted(known))}."
    return UsageError(f"{path.name}: unknown {what}.", "It would otherwise be ignored in silence.", meant)


def _fault(path: Path, what: str, why: str) -> UsageError:
    return UsageError(f"{path.name}: {what}.", why[:1].upper() + why[1:] + ".", f"Edit {path.name} and run again.")
