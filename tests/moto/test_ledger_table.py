"""The table of the ledger is made, waited for, and tagged as the stack's other tables are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from schema.errors import ToolError
from stack.ledger import table
from stack.ledger.ledger import Ledger
from stack.ledger.table import create_ledger
from tests.conftest import EmulatedStack

TAGS = {"Project": "SiteLogix", "Stack": "test"}


def tags_of(stack: EmulatedStack, name: str) -> dict[str, str]:
    arn = stack.client.describe_table(TableName=name)["Table"]["TableArn"]
    return {tag["Key"]: tag["Value"] for tag in stack.client.list_tags_of_resource(ResourceArn=arn)["Tags"]}


def refusing(monkeypatch: pytest.MonkeyPatch, stack: EmulatedStack, operation: str, code: str, times: int) -> None:
    """AWS refuses that operation so many times before it does it."""
    working, left = getattr(stack.client, operation), iter(range(times))

    def call(**named: Any) -> Any:
        if next(left, None) is not None:
            raise ClientError({"Error": {"Code": code, "Message": "Not yet."}}, operation)
        return working(**named)

    monkeypatch.setattr(stack.client, operation, call)


def keeps_its_past(stack: EmulatedStack, name: str) -> bool:
    found: Any = stack.client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return bool(found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED")


def test_a_new_ledger_carries_the_tags_of_the_stack(moto_stack: EmulatedStack) -> None:
    settings = moto_stack.config.settings.model_copy(update={"tags": TAGS})
    ledger = Ledger(moto_stack.client, replace(moto_stack.config, settings=settings))
    ledger.create()
    assert tags_of(moto_stack, ledger.table) == TAGS


def test_a_ledger_of_before_gets_the_tags_that_it_lacks_and_keeps_its_own(moto_stack: EmulatedStack) -> None:
    name = moto_stack.config.ledger_name
    create_ledger(moto_stack.client, name, {"Stack": "another", "Team": "data"})
    create_ledger(moto_stack.client, name, TAGS)
    assert tags_of(moto_stack, name) == {**TAGS, "Team": "data"}


def test_whoever_may_not_tag_a_ledger_of_before_goes_on_without(
    moto_stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = moto_stack.config.ledger_name
    create_ledger(moto_stack.client, name, {})
    refusing(monkeypatch, moto_stack, "tag_resource", "AccessDeniedException", 1)
    create_ledger(moto_stack.client, name, TAGS)
    assert tags_of(moto_stack, name) == {}


def test_recovery_is_waited_for_while_a_new_table_is_too_early_for_it(
    moto_stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    refusing(monkeypatch, moto_stack, "update_continuous_backups", "ContinuousBackupsUnavailableException", 40)
    create_ledger(moto_stack.client, moto_stack.config.ledger_name, {}, slept.append)
    assert len(slept) == 40
    assert max(slept) <= 10
    assert keeps_its_past(moto_stack, moto_stack.config.ledger_name)


def test_recovery_that_never_comes_is_one_clear_error(
    moto_stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, moto_stack, "update_continuous_backups", "ContinuousBackupsUnavailableException", 1000)
    monkeypatch.setattr(table, "READY_MINUTES", 0)
    name = moto_stack.config.ledger_name
    with pytest.raises(ToolError, match="does not yet keep the past of the ledger") as failed:
        create_ledger(moto_stack.client, name, {}, lambda seconds: None)
    assert failed.value.next == "Repeat in a while."
