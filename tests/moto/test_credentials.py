"""The tasks call AWS as whom Pulumi's aws provider calls it, so both look at one account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schema.errors import Refused, UsageError
from stack.aws import check_account, dynamodb
from stack.file.config import StackConfig
from stack.file.provider import AssumedRole, WebIdentity
from tests.conftest import EmulatedStack

OTHER, THIRD = "222222222222", "333333333333"


def role(account: str) -> AssumedRole:
    return AssumedRole(roleArn=f"arn:aws:iam::{account}:role/deployer", sessionName="ci", duration="1h")


@pytest.fixture
def config(moto_stack: EmulatedStack) -> StackConfig:
    """A stack whose own credentials belong to account 123456789012."""
    return replace(moto_stack.config, sts_endpoint=moto_stack.config.endpoint)


def in_account(config: StackConfig, account: str) -> StackConfig:
    """The stack, said to live in that account."""
    return replace(config, settings=config.settings.model_copy(update={"account": account}))


def test_the_account_is_that_of_the_role_that_pulumi_takes_on(config: StackConfig) -> None:
    assumed = replace(config, roles=(role(OTHER),))
    check_account(in_account(assumed, OTHER))
    with pytest.raises(Refused) as refused:
        check_account(assumed)
    assert refused.value.what == "These credentials belong to AWS account 222222222222."


def test_of_several_roles_the_last_one_counts(config: StackConfig) -> None:
    check_account(in_account(replace(config, roles=(role(OTHER), role(THIRD))), THIRD))


def test_the_tables_are_those_of_the_role_s_account(config: StackConfig) -> None:
    table = config.physical_name("things")
    dynamodb(config).create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert table in dynamodb(config).list_tables()["TableNames"]
    assert table not in dynamodb(replace(config, roles=(role(OTHER),))).list_tables()["TableNames"]


def test_a_role_is_taken_on_with_a_token_and_no_other_credentials(config: StackConfig, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a.b.c\n", encoding="utf-8")
    arn = f"arn:aws:iam::{OTHER}:role/deployer"
    identity = WebIdentity(roleArn=arn, sessionName="ci", webIdentityTokenFile=str(tmp_path / "token"))
    check_account(in_account(replace(config, access_key=None, secret_key=None, web_identity=identity), OTHER))


def test_a_token_that_is_not_there_is_one_clear_error(config: StackConfig, tmp_path: Path) -> None:
    identity = WebIdentity(roleArn=f"arn:aws:iam::{THIRD}:role/a", webIdentityTokenFile=str(tmp_path / "none"))
    with pytest.raises(UsageError) as refused:
        check_account(replace(config, web_identity=identity))
    assert refused.value.what == "The token of the web identity of stack test cannot be read."
