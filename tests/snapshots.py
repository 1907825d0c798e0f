"""A small stack as it was at some moment, in files: copies of it cost a tenth of a second instead of a migration.

A copy has a table prefix of its own, of the same length as the one that it replaces everywhere, so that copies share
nothing. All processes of one run of the suite use the same snapshots.
"""

from __future__ import annotations

import io
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.dynamodb.models import dynamodb_backends
from moto.sns.models import SNSBackend, sns_backends

from migration.run.runner import Summary
from schema.model import Schema
from tests.stacks import SmallStack

ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass
class Snapshot:
    """In `directory`: the stack as moto has it, Pulumi's state, whose stack it was, and what its run left blocked."""

    directory: Path

    @property
    def exists(self) -> bool:
        """Whether it was taken."""
        return (self.directory / "whose").exists()

    def take(self, stack: SmallStack, summary: Summary) -> None:
        """Keeps the stack as it is now."""
        self.directory.mkdir(parents=True)
        (self.directory / "moto").write_bytes(_pickled((_of(stack.prefix), _metrics(stack.prefix))))
        blocked = "\n".join(str(blocked.ref) for blocked in summary.blocked)
        (self.directory / "blocked").write_text(blocked, encoding="utf-8")
        shutil.copytree(stack.state, self.directory / "state")
        (self.directory / "whose").write_text(f"{stack.prefix} {stack.endpoint}", encoding="utf-8")

    @property
    def blocked(self) -> list[str]:
        """The indexes that the run which ended in it told to be blocked."""
        return (self.directory / "blocked").read_text(encoding="utf-8").splitlines()

    def copy(self, directory: Path, endpoint: str, schema: Schema, extra: str = "") -> SmallStack:
        """A stack of its own that is as that one was, with `extra` lines in its stack file."""
        stack = SmallStack.make(directory, endpoint, schema, extra)
        prefix, its_endpoint = (self.directory / "whose").read_text(encoding="utf-8").split()
        assert len(prefix) == len(stack.prefix)
        kept = (self.directory / "moto").read_bytes().replace(prefix.encode(), stack.prefix.encode())
        found, metrics = _Unpickler(io.BytesIO(kept)).load()
        for live, of in zip(_moto(), found, strict=True):
            live.update(of)
        cloudwatch_backends[ACCOUNT][REGION].metric_data += metrics
        shutil.copytree(self.directory / "state", stack.state)
        for file in stack.state.rglob("*"):
            if file.is_file():
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace(prefix, stack.prefix).replace(its_endpoint, endpoint), encoding="utf-8")
        return stack


def forget(stack: SmallStack) -> None:
    """Takes the stack out of moto: each look at alarms would go on evaluating its own."""
    for live, of in zip(_moto(), _of(stack.prefix), strict=True):
        for name in of:
            del live[name]
    data = cloudwatch_backends[ACCOUNT][REGION].metric_data
    gone = {id(one) for one in _metrics(stack.prefix)}
    data[:] = [one for one in data if id(one) not in gone]


class _Pickler(pickle.Pickler):
    """Writes of moto's SNS itself, which its topics know, that it is meant."""

    def persistent_id(self, kept: Any) -> str | None:
        return "sns" if isinstance(kept, SNSBackend) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: str) -> Any:
        return sns_backends[ACCOUNT][REGION]


def _pickled(kept: Any) -> bytes:
    file = io.BytesIO()
    _Pickler(file).dump(kept)
    return file.getvalue()


def _moto() -> tuple[dict[str, Any], ...]:
    """Where moto keeps tables, backups, resource policies, alarms, dashboards and topics."""
    database, watch = dynamodb_backends[ACCOUNT][REGION], cloudwatch_backends[ACCOUNT][REGION]
    topics: Any = sns_backends[ACCOUNT][REGION].topics
    return database.tables, database.backups, database.resource_policies, watch.alarms, watch.dashboards, topics


def _of(prefix: str) -> tuple[dict[str, Any], ...]:
    """What of that is the stack's: it is named so, or belongs to a table that is."""
    tables, backups, policies, alarms, dashboards, topics = _moto()
    return (
        {name: one for name, one in tables.items() if name.startswith(prefix)},
        {arn: one for arn, one in backups.items() if one.table.name.startswith(prefix)},
        {arn: one for arn, one in policies.items() if f"/{prefix}" in arn},
        {name: one for name, one in alarms.items() if name.startswith(prefix)},
        {name: one for name, one in dashboards.items() if name.startswith(prefix)},
        {arn: one for arn, one in topics.items() if one.name.startswith(prefix)},
    )


def _metrics(prefix: str) -> list[Any]:
    """The values in CloudWatch that are of the stack's tables: the ledger says what its own reads have left there."""
    return [
        one
        for one in list(cloudwatch_backends[ACCOUNT][REGION].metric_data)
        if any(str(dimension.value).startswith(prefix) for dimension in one.dimensions)
    ]
