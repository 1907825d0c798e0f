"""What is made wrong before a bad input: files, live tables, answers of AWS, credentials, the Pulumi engine."""

from __future__ import annotations

import json
import shutil
from typing import Any

from tests.bad_inputs import STACK_FILE, Case, Preparation
from tests.planted_answers import Planted, PlantedAnswers

DENIED = Planted.error("AccessDeniedException")
NEVER = Planted()
KEYS = {"PK": "S", "SK": "S"}
CREDENTIALS = "  aws:accessKey: test\n  aws:secretKey: test\n"
SALT = "v1:O/sc2Tmb26w=:v1:cEcQnGmSQoYTXhRY:1uHok73GDjcnOO9vyI/1bM/973MP8w=="


def all_of(*preparations: Preparation) -> Preparation:
    """One after the other."""

    def prepare(case: Case) -> None:
        for preparation in preparations:
            preparation(case)

    return prepare


def own(*preparations: Preparation) -> Preparation:
    """Tables of its own, and then these."""
    return all_of(Case.tables_of_its_own, *preparations)


def stack_file(content: str | bytes) -> Preparation:
    """Another stack file."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda case: _wrote(case, STACK_FILE, data)


def no_stack_file(case: Case) -> None:
    """None at all."""
    (case.path / STACK_FILE).unlink()


def a_folder_as_stack_file(case: Case) -> None:
    """Something in its place that cannot be read as a file."""
    no_stack_file(case)
    (case.path / STACK_FILE).mkdir()


def local_is_a_file(case: Case) -> None:
    """Nothing can be written below `.local`."""
    shutil.rmtree(case.path / ".local")
    _wrote(case, ".local", b"")


def schema(old: str, new: str) -> Preparation:
    """Another schema."""
    return lambda case: case.edit(old, new, "sitelogix/tables.py")


def no_schema(case: Case) -> None:
    """None at all."""
    _wrote(case, "sitelogix/tables.py", b"")


def port(old: str, new: str) -> Preparation:
    """Edits the stack file; PORT stands for the port of the local stack."""
    return lambda case: case.edit(old.replace("PORT", str(case.checkout.port)), new)


def vendors(keys: dict[str, str], index: str | None = None, **definition: Any) -> Preparation:
    """A live table `vendors` with these keys (name -> type), and its index on that attribute."""

    def prepare(case: Case) -> None:
        case.client.delete_table(TableName=f"{case.prefix}vendors")
        _create(case, "vendors", keys, index, **definition)

    return prepare


def no_vendors(case: Case) -> None:
    """A live table that is gone."""
    case.client.delete_table(TableName=f"{case.prefix}vendors")


def table_with_an_item(table: str) -> Preparation:
    """One more table, with one item."""

    def prepare(case: Case) -> None:
        _create(case, table, KEYS)
        case.client.put_item(TableName=f"{case.prefix}{table}", Item={name: {"S": "x"} for name in KEYS})

    return prepare


def backup_of(table: str) -> Preparation:
    """An on-demand backup of a live table."""

    def prepare(case: Case) -> None:
        case.client.create_backup(TableName=f"{case.prefix}{table}", BackupName="by-hand")

    return prepare


def recovery_of(table: str) -> Preparation:
    """Point-in-time recovery of a live table, from now on."""

    def prepare(case: Case) -> None:
        recovery: Any = {"PointInTimeRecoveryEnabled": True}
        name = f"{case.prefix}{table}"
        case.client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)

    return prepare


def ledger(kind: str, facts: dict[str, str], partition: str = "PROOF") -> Preparation:
    """A ledger with one record."""

    def prepare(case: Case) -> None:
        _create(case, "migration-ledger", KEYS)
        item: Any = {"PK": partition, "SK": kind, **facts}
        typed = {name: {"S": value} for name, value in item.items()}
        case.client.put_item(TableName=f"{case.prefix}migration-ledger", Item=typed)

    return prepare


def another_table_as_ledger(case: Case) -> None:
    """A table that has the ledger's name and is none."""
    _create(case, "migration-ledger", {"id": "S"})


def answers(**planted: Planted) -> Preparation:
    """Stack `staging` on an AWS that answers these operations so; `Any` stands for every other one."""

    def prepare(case: Case) -> None:
        by_operation = {"*" if name == "Any" else name: answer for name, answer in planted.items()}
        proxy = case.entered.enter_context(PlantedAnswers(case.endpoint, by_operation))
        case.staging(proxy.endpoint)

    return prepare


def denied(operation: str) -> Preparation:
    """Stack `staging`, with tables of its own, on an AWS that denies this operation."""
    return own(answers(**{operation: DENIED}))


def staging_at(endpoint: str) -> Preparation:
    """Stack `staging` on this endpoint."""
    return lambda case: case.staging(endpoint)


def environment(**variables: str) -> Preparation:
    """Variables in the environment of the task."""
    return lambda case: case.environment.update(variables)


def without_credentials(case: Case) -> None:
    """Nothing on this machine gives any."""
    case.edit(CREDENTIALS, "")
    case.environment |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(case.path)}


def aws_configuration(text: str) -> Preparation:
    """Credentials by profile `team` of this configuration."""

    def prepare(case: Case) -> None:
        case.edit(CREDENTIALS, "  aws:profile: team\n")
        _wrote(case, "aws-configuration", text.encode())
        case.environment["AWS_CONFIG_FILE"] = str(case.path / "aws-configuration")

    return prepare


def engine(command: str) -> Preparation:
    """A shell's command in place of the Pulumi engine."""

    def prepare(case: Case) -> None:
        folder = case.path / "another-engine"
        folder.mkdir()
        (folder / "pulumi").write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        (folder / "pulumi").chmod(0o755)
        version = (case.path / ".pulumi.version").read_text(encoding="utf-8").strip()
        noted = case.path / ".venv" / f"engine-{version}"
        noted.unlink()
        noted.write_text(f"{folder}\n", encoding="utf-8")

    return prepare


def state(text: str, stack: str = "local") -> Preparation:
    """What Pulumi keeps of the stack."""
    return lambda case: _wrote(case, f".local/state/.pulumi/stacks/sitelogix/{stack}.json", text.encode())


def another_passphrase(case: Case) -> None:
    """A stack `staging` whose secrets are kept by another passphrase than that of the environment."""
    case.staging(case.endpoint)
    latest = {
        "manifest": {"time": "2025-11-04T00:00:00Z", "magic": "", "version": ""},
        "secrets_providers": {"type": "passphrase", "state": {"salt": SALT}},
    }
    checkpoint = {"stack": "organization/sitelogix/staging", "latest": latest}
    state(json.dumps({"version": 3, "checkpoint": checkpoint}), "staging")(case)
    case.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"


def _create(case: Case, table: str, keys: dict[str, str], index: str | None = None, **definition: Any) -> None:
    named = keys | ({index: "S"} if index else {})
    request: dict[str, Any] = {
        "TableName": f"{case.prefix}{table}",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in named.items()],
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        "BillingMode": "PAY_PER_REQUEST",
        **definition,
    }
    if index:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": "GSI1-CompanyIndex",
                "KeySchema": [{"AttributeName": index, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ]
    case.client.create_table(**request)


def _wrote(case: Case, file: str, content: bytes) -> None:
    (case.path / file).parent.mkdir(parents=True, exist_ok=True)
    (case.path / file).write_bytes(content)
