"""A preview needs nothing but reading: not in AWS, not in the backend, not in the checkout; also for a stack that was
never created."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from stack.permissions import PREVIEW
from stack.world.managed import TABLE_TYPE
from tests.checkouts import Checkout, running
from tests.fault_proxy import FaultProxy
from tests.planted_answers import Planted

READING = ("Describe", "Get", "List", "Query")
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "local"}
DENIED = Planted.error("AccessDeniedException")


class ReadOnly(FaultProxy):
    """An AWS that denies whatever is not on the list of a preview's role; `refused` are the calls that it denied,
    `asked` those that it answered, as `service:Action`."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint, rate=0)
        self.refused: list[str] = []
        self.asked: set[str] = set()

    def _handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        target = handler.headers["X-Amz-Target"]
        operation = target.rpartition(".")[2] if target else parse_qs(body.decode())["Action"][0]
        # It names key, date, region and service, in that order.
        service = handler.headers["Authorization"].partition("Credential=")[2].split("/")[3]
        service = {"monitoring": "cloudwatch"}.get(service, service)
        if operation in PREVIEW.get(service, ()):
            self.asked.add(f"{service}:{operation}")
            super()._handle(handler, body)
        else:
            self.refused.append(f"{service}:{operation}")
            self._answer(handler, DENIED.status, str(DENIED.body).encode(), {})


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout with live tables, and a stack `staging` on a read-only AWS."""
    with running(tmp_path_factory.mktemp("reading") / "checkout") as made:
        assert made.run("plan").returncode == 0
        yield made


@pytest.fixture
def aws(checkout: Checkout) -> Iterator[ReadOnly]:
    """That AWS."""
    with ReadOnly(f"http://127.0.0.1:{checkout.port}") as proxy:
        text = (checkout.path / "Pulumi.local.yaml").read_text(encoding="utf-8")
        staging = text.replace(f"http://127.0.0.1:{checkout.port}", proxy.endpoint)
        (checkout.path / "Pulumi.staging.yaml").write_text(staging, encoding="utf-8")
        yield proxy


def previewed(checkout: Checkout, home: Path) -> subprocess.CompletedProcess[str]:
    """`./invoke preview` of stack staging, where nothing of the checkout can be written."""
    shutil.copytree(checkout.path / ".local" / "pulumi-home", home)
    environment = {**PASSPHRASE, "PULUMI_HOME": str(home), "TMPDIR": str(home)}
    folder = shlex.quote(str(checkout.path))
    sealed = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && cd {folder} && ! touch probe"
    task = f"exec ./invoke preview --stack staging --json --out {shlex.quote(str(home))}/change"
    space = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    if subprocess.run([*space, "true"], capture_output=True, check=False).returncode:
        # Not every machine lets a test mount; that nothing was written is seen afterwards all the same.
        return checkout.shell(["sh", "-c", task], environment)
    return checkout.shell([*space, "sh", "-c", f"{sealed} 2>/dev/null && {task}"], environment)


def files(checkout: Checkout) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in checkout.path.rglob("*") if ".venv" not in path.parts}


@pytest.mark.parametrize("created", [False, True], ids=["never created", "created"])
def test_a_preview_only_reads(created: bool, checkout: Checkout, aws: ReadOnly, tmp_path: Path) -> None:
    if created:
        assert checkout.run("stack.init", "--stack", "staging", environment=PASSPHRASE).returncode == 0
    before = files(checkout)
    result = previewed(checkout, tmp_path / "home")
    assert result.returncode == 0, result.stderr
    changes = json.loads(result.stdout)["changes"]
    tables = Counter(change["operation"] for change in changes if change["type"] == TABLE_TYPE)
    assert tables == {"import": 4, "update": 4, "create": 2}
    assert ("Stack staging was never created" in result.stderr) is not created
    assert (aws.refused, files(checkout)) == ([], before)
    assert {"dynamodb:DescribeTable", "cloudwatch:GetMetricData", "sts:GetCallerIdentity"} <= aws.asked
    kept = json.loads((tmp_path / "home" / "change" / "change.json").read_text(encoding="utf-8"))
    assert kept == json.loads(result.stdout)
    assert (tmp_path / "home" / "change" / "change.md").read_text(encoding="utf-8").startswith("<!-- keyshift change")


def test_the_list_of_a_preview_s_role_holds_reading_only() -> None:
    assert [action for actions in PREVIEW.values() for action in actions if not action.startswith(READING)] == []
