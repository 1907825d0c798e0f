"""Two local stacks of one checkout, which stand for staging and prod, and the clock by which their tasks go."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.two_stacks import PROD, STAGING, TwoStacks, two_stacks

FROM_STAGING = f"  sitelogix:promotesFrom: {{stack: {STAGING}, cleanHours: 24}}\n"
TOKEN = "pul-0123456789abcdef"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoStacks]:
    with two_stacks(tmp_path_factory.mktemp("two") / "checkout", FROM_STAGING) as made:
        yield made


def test_each_has_its_own_tables_ledger_and_plan(stacks: TwoStacks) -> None:
    plans = {}
    for stack in (STAGING, PROD):
        shown = stacks.checkout.run("plan", "--stack", stack, "--json")
        assert shown.returncode == 0, shown.stderr
        plans[stack] = json.loads(shown.stdout)
        assert plans[stack]["stack"] == stack
    assert plans[STAGING]["steps"] == plans[PROD]["steps"] != []
    assert stacks.checkout.run("pause", "--stack", PROD).returncode == 0
    paused = {
        stack: json.loads(stacks.checkout.run("status", "--stack", stack, "--json").stdout)["paused"]
        for stack in (STAGING, PROD)
    }
    assert paused[STAGING] is None
    assert paused[PROD] is not None


def test_what_a_task_records_is_told_by_the_moved_clock(stacks: TwoStacks) -> None:
    def paused() -> datetime:
        assert stacks.checkout.run("pause", "--stack", STAGING).returncode == 0
        status = json.loads(stacks.checkout.run("status", "--stack", STAGING, "--json").stdout)
        return datetime.fromisoformat(status["paused"]["at"])

    before = paused()
    stacks.clock.move(timedelta(days=3))
    after = paused()
    assert timedelta(days=3) <= after - before < timedelta(days=4)


def test_a_prefix_of_another_local_stack_is_refused(stacks: TwoStacks) -> None:
    file = stacks.stack_file("local-other")
    file.write_text(stacks.stack_file(STAGING).read_text(encoding="utf-8"), encoding="utf-8")
    try:
        refused = stacks.checkout.run("plan", "--stack", "local-other")
    finally:
        file.unlink()
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"Pulumi.local-other.yaml: sitelogix:tablePrefix is also that of stack {STAGING}.",
        "The local stacks of a checkout share one server, so their tables would have the same names.",
        "Give each a prefix of its own.",
    ]


def test_prod_is_not_changed_before_staging_is_attested(stacks: TwoStacks) -> None:
    for task in (("migrate", "--stack", PROD), ("promote", "--from", STAGING, "--to", PROD, "--yes")):
        refused = stacks.checkout.run(*task)
        assert refused.returncode == 4, refused.stderr
        assert refused.stderr.splitlines()[-3:] == [
            f"Stack {PROD} promotes from stack {STAGING}, which has no matching attestation.",
            f"attested: stack {STAGING} has no attestation. Nothing was changed.",
            f"Run: ./invoke attest --stack {STAGING}",
        ]
    shown = stacks.checkout.run("attest", "--stack", STAGING, "--json")
    assert shown.returncode == 4, shown.stderr
    document = json.loads(shown.stdout)
    assert (document["attested"], document["waiting"]) == (False, False)
    assert {claim["name"] for claim in document["claims"] if claim["holds"]} == set()


def test_a_promotion_from_another_stack_than_the_file_says_is_a_wrong_flag(stacks: TwoStacks) -> None:
    refused = stacks.checkout.run("promote", "--from", PROD, "--to", STAGING)
    assert refused.returncode == 2
    assert f"Stack {STAGING} does not promote from stack {PROD}." in refused.stderr.splitlines()


def test_checks_are_run_without_a_shell_and_their_output_is_kept_masked(stacks: TwoStacks) -> None:
    file = stacks.stack_file(STAGING)
    before = file.read_text(encoding="utf-8")
    checks = """\
  sitelogix:checks:
    plain: "echo $HOME; `ls` 'two words'"
    token: printenv PULUMI_ACCESS_TOKEN
    stack: printenv KEYSHIFT_STACK
    bad: "false"
    missing: no-such-program --flag
"""
    file.write_text(before.replace("encryptionsalt:", f"{checks}encryptionsalt:"), encoding="utf-8")
    try:
        ran = stacks.checkout.run("check", "--stack", STAGING, "--json", environment={"PULUMI_ACCESS_TOKEN": TOKEN})
        one = stacks.checkout.run("check", "--stack", STAGING, "--name", "stack")
        other = stacks.checkout.run("check", "--stack", STAGING, "--name", "stak")
    finally:
        file.write_text(before, encoding="utf-8")
    assert (ran.returncode, one.returncode, other.returncode) == (5, 0, 2)
    found = {check["name"]: check for check in json.loads(ran.stdout)["checks"]}
    logs = {name: (stacks.checkout.path / check["file"]) for name, check in found.items()}
    assert {name: check["exit_code"] for name, check in found.items()} == {
        "plain": 0,
        "token": 0,
        "stack": 0,
        "bad": 1,
        "missing": 127,
    }
    assert logs["plain"].read_text(encoding="utf-8") == "$HOME; `ls` two words\n"
    assert logs["token"].read_text(encoding="utf-8") == "[masked]\n"
    assert logs["stack"].read_text(encoding="utf-8") == f"{STAGING}\n"
    assert TOKEN not in ran.stdout + ran.stderr
    for name, log in logs.items():
        assert found[name]["log"] == f"sha256:{hashlib.sha256(log.read_bytes()).hexdigest()}"
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "Did you mean stack?" in other.stderr
