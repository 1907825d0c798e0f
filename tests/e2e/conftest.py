"""A small stack on moto, before and after its migration."""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto.cloudwatch.models import cloudwatch_backends
from moto.dynamodb.models import dynamodb_backends

from tests.stacks import APPROVED, PEOPLE, SCHEMA, SmallStack

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def stack(tmp_path: Path, moto_endpoint: str) -> SmallStack:
    """The pre-migration table, and a stack file that approves the removal of the old index."""
    made = SmallStack.make(tmp_path, moto_endpoint, SCHEMA, APPROVED)
    made.seed({"personnel": PEOPLE})
    return made


@dataclass
class Kept:
    """A migrated stack as it was: its tables, backups and alarms in moto, and Pulumi's state."""

    stack: SmallStack
    tables: dict[str, Any]
    backups: dict[str, Any]
    alarms: dict[str, Any]
    state: Path

    @staticmethod
    def of(stack: SmallStack, directory: Path) -> Kept:
        tables, backups, alarms = _of(stack)
        shutil.copytree(stack.state, directory)
        return Kept(stack, copy.deepcopy(tables), dict(backups), copy.deepcopy(alarms), directory)

    def put_back(self) -> SmallStack:
        """The stack, as it was."""
        moto = dynamodb_backends[ACCOUNT][REGION]
        tables, backups, alarms = _of(self.stack)
        for kept, now, live in (
            (copy.deepcopy(self.tables), tables, moto.tables),
            (self.backups, backups, moto.backups),
            (copy.deepcopy(self.alarms), alarms, cloudwatch_backends[ACCOUNT][REGION].alarms),
        ):
            for name in now:
                del live[name]
            live.update(kept)
        for arn in [arn for arn in moto.resource_policies if f"/{self.stack.prefix}" in arn]:
            del moto.resource_policies[arn]
        shutil.rmtree(self.stack.state)
        shutil.copytree(self.state, self.stack.state)
        self.stack.configure(APPROVED)
        return self.stack


def _of(stack: SmallStack) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Tables, backups and alarms of the stack in moto."""
    moto, prefix = dynamodb_backends[ACCOUNT][REGION], stack.prefix
    return (
        {name: table for name, table in moto.tables.items() if name.startswith(prefix)},
        {arn: backup for arn, backup in moto.backups.items() if backup.table.name.startswith(prefix)},
        {name: one for name, one in cloudwatch_backends[ACCOUNT][REGION].alarms.items() if name.startswith(prefix)},
    )


@pytest.fixture(scope="session")
def migrated_once(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Kept:
    directory = tmp_path_factory.mktemp("migrated")
    made = SmallStack.make(directory, moto_endpoint, SCHEMA, APPROVED)
    made.seed({"personnel": PEOPLE})
    made.migrate()
    return Kept.of(made, directory / "kept")


@pytest.fixture
def migrated(migrated_once: Kept) -> SmallStack:
    """A stack that was migrated to the end. A migration takes some fifteen seconds, so it is made once and kept."""
    return migrated_once.put_back()
