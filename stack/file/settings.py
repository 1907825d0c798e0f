"""The settings of a stack file under the project's own namespace: what each key may hold."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from schema.references import IndexRef

STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
COMMIT = re.compile(r"[0-9a-f]{12,40}")
"""The full id of a commit, or enough of its beginning."""
CHECK_RUN = re.compile(r"[0-9A-Za-z-]{1,64}")
MOST_CLEAN_HOURS = 14 * 24
"""CloudWatch's history of alarms reaches back at least so far."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


def _is_account(value: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", value):
        raise ValueError("an AWS account id has 12 digits, in quotes")
    return value


def _is_prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{0,50}", value):
        raise ValueError("a prefix has up to 50 letters, digits, '_', '-' or '.'")
    return value


def _is_dashboard(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", value):
        raise ValueError("a dashboard's name has up to 255 letters, digits, '_' or '-'")
    return value


def _is_backend(value: str) -> str:
    if not re.match(r"(file|s3|gs|azblob|https?)://.", value):
        raise ValueError("a backend is a URL that begins with file://, s3://, gs://, azblob:// or https://")
    return value


def _is_written_date(value: object) -> object:
    # A number would be taken for seconds since 1970.
    if not isinstance(value, str | date):
        raise ValueError('a date is like "2025-11-04"')
    return value


def _in_utc(value: datetime) -> datetime:
    """A time without a zone, such as a bare date, is taken as UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _is_address(value: SecretStr) -> SecretStr:
    address = value.get_secret_value().strip()
    if not address:
        raise ValueError("an address is not empty")
    return SecretStr(address)


def _is_index(value: object) -> object:
    return IndexRef.parse(value) if isinstance(value, str) else value


def _is_stack(value: str) -> str:
    if not STACK_NAME.fullmatch(value):
        raise ValueError("a stack is named as its file is: Pulumi.<stack>.yaml")
    return value


def _is_role(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+", value):
        raise ValueError("a role is an ARN such as arn:aws:iam::111111111111:role/name")
    return value


def _is_key(value: str | None) -> str | None:
    # An alias is whatever its account says today.
    if value is not None and not re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/\S+", value):
        raise ValueError("a key is the ARN of a key of KMS, not of an alias")
    return value


def _is_digest(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError("a digest is sha256: and 64 hexadecimal digits; ./invoke attest --out prints it")
    return value


def _is_commit(value: str) -> str:
    if not COMMIT.fullmatch(value):
        raise ValueError("a commit is named by 12 to 40 hexadecimal digits, in quotes")
    return value


def _is_commit_or_none(value: str | None) -> str | None:
    return None if value is None else _is_commit(value)


def _is_run(value: str | None) -> str | None:
    if value is not None and not CHECK_RUN.fullmatch(value):
        raise ValueError("a check run is named by the id that ./invoke check prints")
    return value


def _is_check(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", value):
        raise ValueError("a check has a name of up to 40 letters, digits, '_' or '-'")
    return value


def _is_command(value: str) -> str:
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise ValueError(f"a command is words as a shell reads them: {error}") from None
    if not words:
        raise ValueError("a command is a program and its arguments")
    return value


def _or_nothing(value: object) -> object:
    """An empty map stands for nothing: the schema in Pulumi.yaml has no other default for one."""
    return None if value == {} else value


def _or_none(value: object) -> object:
    """An empty text stands for none: the schema in Pulumi.yaml has no other default for a text."""
    return None if value == "" else value


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

IndexName = Annotated[IndexRef, BeforeValidator(_is_index)]
"""An index, written as `table/index`."""


class Approval(_Settings):
    """The approval to remove one retired index, written into the stack file and reviewed in a pull request. That the
    tests passed is typed, or shown by the run of the stack's checks (`check_run`) for a `commit`."""

    application_updated: bool
    tests_passed: bool
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    at: Annotated[datetime, Field(strict=False), BeforeValidator(_is_written_date), AfterValidator(_in_utc)]
    commit: Annotated[str | None, AfterValidator(_is_commit_or_none)] = None
    check_run: Annotated[str | None, AfterValidator(_is_run)] = None

    @model_validator(mode="before")
    @classmethod
    def _shown(cls, given: Any) -> Any:
        """A run that shows it stands in the place of the typed yes."""
        shown = isinstance(given, dict) and {"commit", "checkRun"} <= set(given)
        return {"testsPassed": False, **given} if shown else given

    @model_validator(mode="after")
    def _goes_together(self) -> Approval:
        if (self.commit is None) != (self.check_run is None):
            raise ValueError("commit and checkRun go together: the run of the checks, and what it checked")
        return self


class Subscription(_Settings):
    """Who is told of alarms and of how runs go: a protocol of SNS, and the address for it, which may be a secret."""

    protocol: Literal["email", "email-json", "https", "lambda", "sms", "sqs"]
    endpoint: Annotated[SecretStr, AfterValidator(_is_address)]


class LateWriterSettings(_Settings):
    """When an index is read-ready: after so many `minutes` without a late writer, in which the application wrote at
    least `least_writes` write units to the table; it is looked at `every_minutes`."""

    minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 24 * 60
    every_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 15
    least_writes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1


class BackfillSettings(_Settings):
    """How backfills write: `writer` is what the server was seen to honour; `rate` and `read_rate` are write and read
    units a second, without which a `share` of what the table and its indexes have left is used; `journal` is whether
    a backfill can be undone (None: below a million items)."""

    writer: Literal["batched", "single"] = "batched"
    rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    read_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    journal: bool | None = None


class PromotesFrom(_Settings):
    """Whose attestation this stack needs before it is changed: that of `stack`, whose alarms have been quiet for
    `clean_hours`. Its ledger is read, in another account with `role`; or an attestation comes as a file, which
    `kms_key` has signed or whose `digest` is pinned here."""

    stack: Annotated[str, AfterValidator(_is_stack)]
    clean_hours: Annotated[float, Field(gt=0, le=MOST_CLEAN_HOURS, allow_inf_nan=False)] = 24
    role: Annotated[str | None, AfterValidator(_is_role)] = None
    digest: Annotated[str | None, AfterValidator(_is_digest)] = None
    kms_key: Annotated[str | None, AfterValidator(_is_key)] = None


class Override(_Settings):
    """A rule of promotion that does not count for the code of one commit, for a reason that was reviewed."""

    rule: Literal["alarms", "attestation", "bake-time", "checks", "load-test"]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    at: Annotated[datetime, Field(strict=False), BeforeValidator(_is_written_date), AfterValidator(_in_utc)]
    commit: Annotated[str, AfterValidator(_is_commit)]


class LoadTestSettings(_Settings):
    """Whether load tests may run here (`allowed`; on a stack that another one is promoted to, `production` as well), at
    what rate at most (requests a second), which part of the requests writes new items, and the weights of access
    patterns (1 where none is given; 0 leaves one out)."""

    allowed: bool = False
    production: bool = False
    maximum_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20
    write_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = {}


class Settings(_Settings):
    """The keys of a stack file under the project's own namespace."""

    table_prefix: Annotated[str, AfterValidator(_is_prefix)]
    account: Annotated[str, AfterValidator(_is_account)]
    backend: Annotated[str, AfterValidator(_is_backend)]
    tags: dict[str, str] = {}
    approvals: dict[IndexName, Approval] = {}
    accepted_violations: dict[str, Annotated[int, Field(ge=0)]] = {}
    accepted_hot_keys: dict[IndexName, Annotated[float, Field(gt=0, le=1)]] = {}
    accepted_findings: dict[str, dict[str, Reason]] = {}
    backfill: BackfillSettings = BackfillSettings()
    replace_streams: list[str] = []
    keep_stream: list[str] = []
    acknowledged_owners: list[str] = []
    index_timeout_minutes: Annotated[int, Field(ge=1)] = 24 * 60
    lease_seconds: Annotated[int, Field(ge=2, le=3600)] = 60
    building_write_units: dict[IndexName, Annotated[int, Field(ge=1)]] = {}
    contact: Annotated[str | None, BeforeValidator(_or_none)] = None
    dashboard: Annotated[str | None, BeforeValidator(_or_none), AfterValidator(_is_dashboard)] = None
    subscriptions: list[Subscription] = []
    late_writers: LateWriterSettings = LateWriterSettings()
    quiet_minutes: Annotated[float, Field(ge=0, le=14 * 24 * 60, allow_inf_nan=False)] = 24 * 60
    brown_out_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    checks: dict[Annotated[str, AfterValidator(_is_check)], Annotated[str, AfterValidator(_is_command)]] = {}
    promotes_from: Annotated[PromotesFrom | None, BeforeValidator(_or_nothing)] = None
    overrides: list[Override] = []
    load_test: LoadTestSettings = LoadTestSettings()


MAY_BE_SECRET = frozenset({"subscriptions"})
"""Settings that a stack may keep secret: all others are shown in reports."""
FORMER_NAMES = {"watch": "lateWriters"}
"""Settings that once had another name."""


def setting_names(setting: str | None = None) -> list[str]:
    """The keys of a stack's settings, or those within one of them."""
    models: dict[str | None, type[BaseModel]] = {
        None: Settings,
        "backfill": BackfillSettings,
        "lateWriters": LateWriterSettings,
        "loadTest": LoadTestSettings,
        "subscriptions": Subscription,
        "approvals": Approval,
        "promotesFrom": PromotesFrom,
        "overrides": Override,
    }
    return [to_camel(name) for name in models.get(setting, Settings).model_fields]


def from_texts(texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of settings as Settings validates them, out of the texts that Pulumi makes of them: all but a text is
    written as JSON."""
    return {name: text if _is_text(name) else as_json(text) for name, text in texts.items()}


def _is_text(setting: str) -> bool:
    kinds = {to_camel(name): field.annotation for name, field in Settings.model_fields.items()}
    return kinds.get(setting) in {str, str | None}


def as_json(text: str) -> Any:
    """What the text says as JSON; the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text
