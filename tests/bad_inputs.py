"""Bad inputs on trial: each runs in a copy of a prepared checkout, and is seen to change nothing there or in AWS."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.stack import create_table, put_items
from sitelogix.tables import SITELOGIX
from tests.checkouts import Checkout

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

STACK_FILE = "Pulumi.local.yaml"
PREFIX = "sitelogix-"
AT_ONCE = 3
_UNCOUNTED = {"__pycache__", ".venv", "pulumi-home", "lock", "server.log", "error.log", "pulumi"}
"""What a task may write whatever happens: nothing there says anything of the stack."""
_NOTICES = re.compile(r"Starting the local AWS endpoint|Loaded \d|Stack \S+: \d+ steps to do|\s*\d+  \S|\[\d+/\d+\] ")
"""What comes before an error: a local stack that starts, and the steps of a run that begins."""


@dataclass
class Case:
    """One bad input's own checkout; `environment` is added to that of the task, `entered` is left when it has ended."""

    checkout: Checkout
    client: DynamoDBClient
    environment: dict[str, str] = field(default_factory=dict)
    entered: ExitStack = field(default_factory=ExitStack)
    prefix: str = PREFIX

    @property
    def path(self) -> Path:
        return self.checkout.path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.checkout.port}"

    def edit(self, old: str, new: str, file: str = STACK_FILE) -> None:
        """Replaces a text of a file, which has to be there."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert old in text, f"{file} holds no {old!r}"
        (self.path / file).write_text(text.replace(old, new), encoding="utf-8")

    def tables_of_its_own(self) -> None:
        """Gives the stack tables that no other case meets, with one item each."""
        prefix = f"{self.path.name}-"
        self.edit(f"tablePrefix: {PREFIX}", f"tablePrefix: {prefix}")
        self.prefix = prefix
        for table in SITELOGIX:
            before = table.before()
            if before is not None:
                create_table(self.client, f"{prefix}{table.name}", before)
                item = {"PK": {"S": "A#1"}, "SK": {"S": "PROFILE"}}
                put_items(self.client, f"{prefix}{table.name}", [item])

    def staging(self, endpoint: str) -> None:
        """Makes stack `staging` one on this endpoint: not the embedded one, so nothing of it is started or wiped."""
        text = (self.path / STACK_FILE).read_text(encoding="utf-8")
        (self.path / "Pulumi.staging.yaml").write_text(text.replace(self.endpoint, endpoint), encoding="utf-8")
        home = str(self.path / ".local" / "pulumi-home")
        self.environment |= {"PULUMI_CONFIG_PASSPHRASE": "local", "PULUMI_HOME": home}

    def snapshot(self) -> Mapping[str, Any]:
        """All that an error must leave as it was, but the items of the tables that all cases share."""
        names = [name for name in self.client.list_tables()["TableNames"] if name.startswith(self.prefix)]
        seen: dict[str, Any] = {name: self.client.describe_table(TableName=name)["Table"] for name in names}
        if self.prefix != PREFIX:
            seen |= {f"items of {name}": self.client.scan(TableName=name)["Items"] for name in names}
        seen["backups"] = [
            backup["BackupName"]
            for name in names
            for backup in self.client.list_backups(TableName=name)["BackupSummaries"]
        ]
        return seen | _files(self.path)


Preparation = Callable[[Case], None]


@dataclass(frozen=True)
class Bad:
    """One bad input: `run` are a task's arguments; `edit` (old -> new text of the stack file) and `given` change
    something beforehand. `says` are the beginnings of the error's lines, between bars; `changes` are parts of the names
    of what such a run rightly leaves."""

    name: str
    run: str | list[str]
    says: str
    code: int = 2
    edit: tuple[str, str] | None = None
    given: Preparation | None = None
    changes: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.run) if isinstance(self.run, str) else self.run

    @property
    def lines(self) -> list[str]:
        return self.says.split(" | ")


@dataclass(frozen=True)
class Outcome:
    """What a bad input did; `changed` names the tables, items, backups and files that are not as they were."""

    code: int
    stdout: str
    stderr: str
    changed: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What it said, but for the notices before an error."""
        return [line for line in self.stderr.splitlines() if line.strip() and not _NOTICES.match(line)]


@contextmanager
def case_in(directory: Path, prepared: Checkout, client: DynamoDBClient) -> Iterator[Case]:
    """A copy of the prepared checkout, whose running local stack it shares; afterwards it is gone."""
    shutil.copytree(prepared.path, directory, symlinks=True)
    case = Case(replace(prepared, path=directory), client)
    try:
        with case.entered:
            yield case
    finally:
        shutil.rmtree(directory)


def prepare(checkout: Checkout) -> None:
    """Makes a checkout whose local stack is up one to copy: its state was read once."""
    assert checkout.run("plan").returncode == 0


@contextmanager
def on_trial(asked: Iterable[Bad], prepared: Checkout, directory: Path) -> Iterator[dict[str, Future[Outcome]]]:
    """Tries them, some at a time; afterwards the items of the tables that they share must be as they were."""
    client = prepared.client

    def outcome(number: int, bad: Bad) -> Outcome:
        with case_in(directory / f"case{number}", prepared, client) as case:
            return tried(bad, case)

    def items(table: str) -> list[Any]:
        return [page["Items"] for page in client.get_paginator("scan").paginate(TableName=table)]

    before = {name: items(name) for name in client.list_tables()["TableNames"]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {bad.name: pool.submit(outcome, number, bad) for number, bad in enumerate(asked)}
    assert {name: items(name) for name in before} == before


def tried(bad: Bad, case: Case) -> Outcome:
    """Prepares the case, runs the bad input, and compares what there was before and after."""
    if bad.edit is not None:
        case.edit(*bad.edit)
    if bad.given is not None:
        bad.given(case)
    before = case.snapshot()
    result = case.checkout.run(*bad.arguments, environment=case.environment)
    after = case.snapshot()
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    rightly = [name for name in changed if any(part in name for part in bad.changes)]
    return Outcome(result.returncode, result.stdout, result.stderr, tuple(sorted(set(changed) - set(rightly))))


def _files(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in directory.rglob("*"):
        inside = path.relative_to(directory)
        if _UNCOUNTED & set(inside.parts):
            continue
        if path.is_symlink():
            found[str(inside)] = path.readlink()
        elif path.is_file():
            found[str(inside)] = path.read_bytes()
    return found
