"""Everything that a user can get wrong: one clear error, the documented exit code, no traceback, nothing changed."""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.dynamodb_local import free_port
from tests.checkouts import Checkout, running

LOCK = {"pid": 1, "username": "somebody", "hostname": "elsewhere", "timestamp": "2025-11-04T00:00:00Z"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose local stack is up and not migrated."""
    with running(tmp_path_factory.mktemp("errors") / "checkout") as made:
        yield made


def snapshot(checkout: Checkout) -> Any:
    """All that an error must leave as it was: the tables' definitions and Pulumi's state."""
    state = checkout.path / ".local" / "state"
    tables = checkout.client.list_tables()["TableNames"]
    return (
        [checkout.client.describe_table(TableName=name)["Table"] for name in tables],
        {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and "locks" not in path.parts},
    )


def edit(checkout: Checkout, old: str, new: str) -> Callable[[], None]:
    """Changes the local stack file and returns how to undo that."""
    path = checkout.path / "Pulumi.local.yaml"
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new), encoding="utf-8")

    def undo() -> None:
        path.write_text(before, encoding="utf-8")

    return undo


def expect(checkout: Checkout, arguments: list[str], code: int, lines: list[str], **environment: str) -> None:
    """Runs a task and compares the exit code and the beginnings of the error's lines."""
    before = snapshot(checkout)
    result = checkout.run(*arguments, environment=environment)
    said = [line for line in result.stderr.splitlines() if line.strip()]
    assert (result.returncode, result.stdout) == (code, ""), result.stderr
    assert len(said) == len(lines), result.stderr
    for line, beginning in zip(said, lines, strict=True):
        assert line.startswith(beginning)
    assert "Traceback" not in result.stderr
    assert snapshot(checkout) == before


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["migrate", "--stack", "prdo"], ["There is no stack 'prdo'.", "A stack is a file", "Did you mean prod?"]),
        (["migrate", "--table", "report"], ["There is no table 'report' in the schema.", "There are: reports,"]),
        (
            ["migrate", "--table", "reports", "--index", "GSI4"],
            ["Table reports has no index 'GSI4'.", "It has: GSI1-ProjectIndex,"],
        ),
        (["plan", "--index", "GSI3-StatusIndex"], ["--index needs --table.", "Two tables may", "Add --table."]),
        (["migrate", "--stak", "local"], ["No idea what '--stak' is!", "Run: ./invoke --list"]),
        (["migrat"], ["No idea what 'migrat' is!", "Run: ./invoke --list"]),
        (["migrate", "--stack"], ["Flag --stack needed value", "Run: ./invoke --list"]),
    ],
    ids=["stack", "table", "index", "index-alone", "flag", "task", "value"],
)
def test_wrong_words_are_refused(checkout: Checkout, arguments: list[str], lines: list[str]) -> None:
    expect(checkout, arguments, 2, lines)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (
            "sitelogix:tablePrefix",
            "sitelogix:tabelPrefix",
            ["Pulumi.local.yaml: unknown config key sitelogix:tabelPrefix.", "It would", "Did you mean tablePrefix?"],
        ),
        (
            '"123456789012"',
            "12",
            ["Pulumi.local.yaml: sitelogix:account has a wrong value: 12.", "Input should be", "Edit"],
        ),
        ("config:", "config", ["Pulumi.local.yaml: it", "", "Edit Pulumi.local.yaml"]),
        (
            "personnel/GSI2-ProjectIndex",
            "personnel/GSI2-Project",
            ["Pulumi.local.yaml: unknown sitelogix:approvals: personnel/GSI2-Project.", "It would", "Did you mean"],
        ),
        (
            "http://127.0.0.1",
            "http://example.com",
            ["Pulumi.local.yaml: aws:endpoints has a wrong value.", "The local stack's endpoint is", "Set its"],
        ),
    ],
    ids=["key", "value", "yaml", "approval", "endpoint"],
)
def test_a_wrong_stack_file_is_refused(checkout: Checkout, old: str, new: str, lines: list[str]) -> None:
    undo = edit(checkout, old, new)
    try:
        expect(checkout, ["migrate", "--stack", "local"], 2, lines)
    finally:
        undo()


def test_credentials_of_another_account_are_refused(checkout: Checkout) -> None:
    undo = edit(checkout, '"123456789012"', '"210987654321"')
    try:
        lines = [
            "These credentials belong to AWS account 123456789012.",
            "Pulumi.local.yaml says",
            "Switch credentials",
        ]
        expect(checkout, ["migrate"], 4, lines)
    finally:
        undo()


def test_another_version_of_the_engine_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    fake = tmp_path / "pulumi"
    fake.write_text("#!/bin/sh\necho v3.1.0\n", encoding="utf-8")
    fake.chmod(0o755)
    before = snapshot(checkout)
    path = f"{tmp_path}:{os.environ['PATH']}"
    result = checkout.shell([".venv/bin/python", "-m", "terminal", "migrate"], environment={"PATH": path})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[0] == "The Pulumi engine on PATH is version 3.1.0."
    assert snapshot(checkout) == before


def test_a_state_that_another_process_holds_is_refused(checkout: Checkout) -> None:
    # The stack has to exist for its lock to mean something.
    exports = 'eval "$(./invoke env --stack local)" && pulumi stack init local --non-interactive'
    assert checkout.shell(["sh", "-c", exports]).returncode == 0
    locks = checkout.path / ".local" / "state" / ".pulumi" / "locks" / "organization" / "sitelogix" / "local"
    locks.mkdir(parents=True, exist_ok=True)
    lock = locks / f"{uuid.uuid4()}.json"
    lock.write_text(json.dumps(LOCK), encoding="utf-8")
    tables = {name: checkout.client.describe_table(TableName=name)["Table"] for name in ("sitelogix-reports",)}
    try:
        result = checkout.run("migrate")
        assert result.returncode == 4, result.stderr
        what, why, then = result.stderr.splitlines()[-3:]
        assert what == "Another Pulumi process holds this stack's state."
        assert "created by somebody@elsewhere (pid 1)" in why
        assert then.startswith("Wait for it, or if it is dead run `pulumi cancel`")
        after = {name: checkout.client.describe_table(TableName=name)["Table"] for name in tables}
        assert after == tables
    finally:
        lock.unlink()


def test_a_plain_up_before_the_migration_is_refused_and_creates_nothing(checkout: Checkout) -> None:
    before = snapshot(checkout)[0]
    exports = 'eval "$(./invoke env --stack local)" && (pulumi stack select local || pulumi stack init local) && '
    result = checkout.shell(["sh", "-c", exports + "pulumi up --yes --skip-preview --stack local --non-interactive"])
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Table reports is live and not in Pulumi's state." in said
    assert "Table work-logs must not be created yet." in said
    assert "Run: ./invoke migrate --stack local" in said
    assert snapshot(checkout)[0] == before


def test_a_preview_of_a_stack_that_was_never_created_says_how_to_create_it(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout")
    try:
        result = checkout.run("preview", "--stack", "local")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-3:] == [
            "Stack local was never created in file://.local/state.",
            "A preview only reads, so it does not create it.",
            "Run: ./invoke migrate --stack local",
        ]
    finally:
        checkout.run("local.down")
        checkout.clean_up()


def test_a_busy_port_is_one_clear_error(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", checkout.port))
        listener.listen()
        result = checkout.run("migrate")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-3:] == [
        f"Port {checkout.port} is in use by another program.",
        "The local stack's server listens there: Pulumi.local.yaml says so in aws:endpoints.",
        "End that program, or put another port into Pulumi.local.yaml.",
    ]
    assert checkout.processes() == []


def test_an_endpoint_that_is_down_is_one_clear_error(checkout: Checkout) -> None:
    text = (checkout.path / "Pulumi.local.yaml").read_text(encoding="utf-8")
    other = checkout.path / "Pulumi.elsewhere.yaml"
    other.write_text(text.replace(f":{checkout.port}", f":{free_port()}"), encoding="utf-8")
    try:
        result = checkout.run("plan", "--stack", "elsewhere", environment={"PULUMI_CONFIG_PASSPHRASE": "local"})
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.splitlines()[0] == "The AWS endpoint of stack elsewhere does not answer."
        assert result.stderr.splitlines()[-1] == "Run: ./invoke status --stack elsewhere"
    finally:
        other.unlink()


def test_verify_before_the_migration_reports_what_is_missing(checkout: Checkout) -> None:
    result = checkout.run("verify", "--json")
    failed = [check["subject"] for check in json.loads(result.stdout)["checks"] if not check["holds"]]
    assert result.returncode == 5
    assert {"reports/GSI3-StatusIndex", "access pattern: workflow queue", "work-logs"} <= set(failed)


def test_an_error_is_a_document_with_json(checkout: Checkout) -> None:
    result = checkout.run("plan", "--json", "--table", "report")
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"]["what"] == "There is no table 'report' in the schema."


def test_the_plugin_ends_with_its_parent(checkout: Checkout) -> None:
    script = next((checkout.path / ".local" / "pulumi-home").rglob("pulumi-resource-aws"))
    parent = checkout.shell(["sh", "-c", f'"{script}" 127.0.0.1:1 >/dev/null 2>&1 & echo $!; sleep 3'])
    plugin = psutil.Process(int(parent.stdout))
    plugin.wait(10)
    assert not plugin.is_running()
