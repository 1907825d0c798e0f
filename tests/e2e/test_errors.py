"""What stands in the way of a run on one machine: a lock, a plain `up`, a busy port. What is put in wrongly is in
test_bad_inputs."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.checkouts import Checkout, running
from tests.limits import EXPECTED

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


def test_a_busy_port_is_one_clear_error(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", checkout.port))
        listener.listen()
        result = checkout.run("migrate")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-3:] == [
        f"Port {checkout.port} is in use by another program.",
        "The local stack's server listens there: aws:endpoints in its stack file says so.",
        "End that program, or put another port into Pulumi.local.yaml.",
    ]
    assert checkout.processes() == []


def test_verify_before_the_migration_reports_what_is_missing(checkout: Checkout) -> None:
    result = checkout.run("verify", "--json")
    failed = [check["name"] for check in json.loads(result.stdout)["checks"] if not check["holds"]]
    assert result.returncode == 5
    assert {"reports/GSI3-StatusIndex", "access pattern: workflow queue", "work-logs"} <= set(failed)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + EXPECTED
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_plugin_ends_with_its_parent(checkout: Checkout) -> None:
    script = next((checkout.path / ".local" / "pulumi-home").rglob("pulumi-resource-aws"))
    command = ["sh", "-c", f'"{script}" 127.0.0.1:1 >/dev/null 2>&1 & echo $!; read end']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        plugin = psutil.Process(int(parent.stdout.readline()))
        # Only then does it know its parent.
        wait_until(lambda: "local.aws_plugin" in plugin.cmdline())
        assert plugin.is_running()
        # Its standard input ends here, and so does the parent.
    plugin.wait(EXPECTED)
    assert not plugin.is_running()
