"""A copy of the project with a local stack of its own, so that a test never meets the one that a person is using."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil

from local.dynamodb_local import free_port
from migration.run.prediction import CHECK
from tests import warm_python
from tests.limits import ENDING, HANGS
from tests.loaded_server import serve_checkout

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PROJECT = Path(__file__).resolve().parents[1]
MARK = "KEYSHIFT_TEST"
"""Set in the environment of everything that a test starts, so that what is left over can be found."""
_LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", ".local", ".*_cache", ".hypothesis", "tests", "*.pyc.*")


@dataclass
class Checkout:
    """One copy. `run` runs `./invoke` in it; `client` is plain boto3 at the endpoint of its Pulumi.local.yaml. Whatever
    is run gets its `environment`, too."""

    path: Path
    port: int
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    environment: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def make(directory: Path) -> Checkout:
        """Copies the project into `directory`, shares its .venv, and gives its local stack a free port."""
        _compile()
        shutil.copytree(PROJECT, directory, ignore=_LEFT_BEHIND)
        # A link to each part: what a task removes of it is still there for others.
        (directory / ".venv").mkdir()
        for part in (PROJECT / ".venv").iterdir():
            (directory / ".venv" / part.name).symlink_to(part)
        port = free_port()
        stack_file = directory / "Pulumi.local.yaml"
        text = stack_file.read_text(encoding="utf-8")
        stack_file.write_text(text.replace("127.0.0.1:5995", f"127.0.0.1:{port}"), encoding="utf-8")
        return Checkout(directory, port)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs what `./invoke` would run with these arguments, in a Python that is warm already, and returns what it
        printed and its exit code."""
        engine = self._engine
        if engine is None:
            return self.shell(["./invoke", *arguments], environment)
        path = f"{engine}:{self.path / '.venv' / 'bin'}:{os.environ['PATH']}"
        return warm_python.run(self.path, arguments, self._environment({"PATH": path, **(environment or {})}), HANGS)

    def shell(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs any command in the copy."""
        return subprocess.run(
            command,
            cwd=self.path,
            env=self._environment(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )

    def start(self, *arguments: str, new_session: bool = False) -> subprocess.Popen[str]:
        """Starts `./invoke`, on request as the leader of a process group, and returns at once."""
        return subprocess.Popen(
            ["./invoke", *arguments],
            cwd=self.path,
            env={**os.environ, MARK: self.mark, CHECK: "1", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=new_session,
        )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, MARK: self.mark, CHECK: "1", "COLUMNS": "200", **self.environment, **more}

    @property
    def _engine(self) -> str | None:
        """The folder of the Pulumi engine that `./invoke` would put on PATH; None where it would look for another."""
        version = (self.path / ".pulumi.version").read_text(encoding="utf-8").strip()
        noted = [(root / ".venv" / f"engine-{version}") for root in (self.path, PROJECT)]
        if not all(file.exists() for file in noted):
            return None
        ours, projects = [file.read_text(encoding="utf-8").strip() for file in noted]
        return ours if ours == projects else None

    @property
    def client(self) -> DynamoDBClient:
        return boto3.client(
            "dynamodb",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def items(self, table: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Every item of a physical table by its key."""
        pages = self.client.get_paginator("scan").paginate(TableName=table)
        return {(item["PK"]["S"], item["SK"]["S"]): dict(item) for page in pages for item in page["Items"]}

    def own(self) -> list[psutil.Process]:
        """Every process that something in this copy started."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def processes(self) -> list[psutil.Process]:
        """Those of them that do not end by themselves."""
        return alive(self.own())

    def clean_up(self) -> None:
        """Ends whatever still runs."""
        for process in self.processes():
            process.kill()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended after a while."""
    _, alive = psutil.wait_procs(processes, timeout=ENDING)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@cache
def _compile() -> None:
    """Compiles the project, for copies: invoke writes no bytecode, and each task would compile everything anew."""
    for folder in PROJECT.iterdir():
        if folder.is_dir() and not folder.name.startswith(".") and folder.name != "tests":
            compileall.compile_dir(folder, quiet=1)
    for file in PROJECT.glob("*.py"):
        compileall.compile_file(file, quiet=1)


@contextmanager
def running(directory: Path) -> Iterator[Checkout]:
    """A copy whose local stack is up and not migrated; afterwards it is stopped, and nothing of it may still run."""
    made = Checkout.make(directory)
    server = serve_checkout(made.path, made.port)
    try:
        yield made
    finally:
        made.run("local.down")
        left_over = [*made.processes(), *alive([server])]
        for process in left_over:
            process.kill()
        assert left_over == []
