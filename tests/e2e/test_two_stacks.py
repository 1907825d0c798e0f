"""Two local stacks of one checkout, which stand for staging and prod, and the clock by which their tasks go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.two_stacks import PROD, STAGING, TwoStacks, two_stacks


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoStacks]:
    with two_stacks(tmp_path_factory.mktemp("two") / "checkout") as made:
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
