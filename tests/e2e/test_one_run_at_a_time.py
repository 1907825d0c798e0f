"""Runs that meet: at the same moment, while one is stopped, and when one is told to stop. How long something may take
is measured against a look at the status, taken in the same test: that starts and ends a process as well."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.checkouts import Checkout, running
from tests.faults.killing import Victim, in_an_up
from tests.limits import HANGS

pytestmark = pytest.mark.timed
LEDGER = "sitelogix-migration-ledger"
LEASE_SECONDS = 8
REPORTS, VENDORS = "sitelogix-reports", "sitelogix-vendors"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose local stack is up, with a short lease."""
    with running(tmp_path_factory.mktemp("meeting") / "checkout") as made:
        stack_file = made.path / "Pulumi.local.yaml"
        text = stack_file.read_text(encoding="utf-8")
        setting = f"config:\n  sitelogix:leaseSeconds: {LEASE_SECONDS}\n"
        stack_file.write_text(text.replace("config:\n", setting), encoding="utf-8")
        yield made


def runs(checkout: Checkout) -> list[dict[str, Any]]:
    """What the history says, newest first."""
    events: list[dict[str, Any]] = json.loads(checkout.run("history", "--json").stdout)["events"]
    return events


def at_work(checkout: Checkout) -> dict[str, Any]:
    """Who is at work, as `status` tells."""
    found: dict[str, Any] = json.loads(checkout.run("status", "--json").stdout)["at_work"]
    return found


def look(checkout: Checkout) -> float:
    """The seconds that a look at the status takes on this machine now."""
    began = time.monotonic()
    assert checkout.shell(["./invoke", "status"]).returncode == 0
    return time.monotonic() - began


def difference(before: dict[Any, Any], after: dict[Any, Any]) -> set[Any]:
    """The keys of items that differ, but for a checkpoint: one may have been on its way when its process was stopped,
    and it tells only what was really done."""
    keys = {key for key in before | after if before.get(key) != after.get(key)}
    return {key for key in keys if not key[0].startswith("BACKFILL#")}


def until(task: subprocess.Popen[str], event: str, step: str = "") -> dict[str, Any]:
    """Reads what a run with --json tells until that event of that step."""
    assert task.stderr is not None
    for line in task.stderr:
        if line.startswith("{"):
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event and step in told.get("step", ""):
                return told
    raise AssertionError(f"no {event} of {step}: exit code {task.wait()}")


def rest(task: subprocess.Popen[str]) -> dict[str, Any]:
    """The document that a run ends with."""
    output, _ = task.communicate(timeout=HANGS)
    document: dict[str, Any] = json.loads(output)
    return document


@pytest.mark.parametrize("count", [2, 10])
def test_of_several_migrations_at_the_same_moment_one_runs_and_the_others_are_refused_at_once(
    checkout: Checkout, count: int
) -> None:
    before, usual = len(runs(checkout)), look(checkout)
    tasks = [checkout.start("migrate", "--json") for _ in range(count)]
    began = time.monotonic()
    ended: dict[int, float] = {}

    def wait(task: subprocess.Popen[str]) -> None:
        task.wait()
        ended[task.pid] = time.monotonic() - began

    waiting = [threading.Thread(target=wait, args=(task,), daemon=True) for task in tasks]
    for thread in waiting:
        thread.start()
    while len(ended) < count - 1:
        assert time.monotonic() - began < HANGS
        time.sleep(0.01)
    (winner,) = [task for task in tasks if task.poll() is None]
    since = datetime.fromisoformat(at_work(checkout)["since"]).timestamp()
    taken = since + 1 - (time.time() - (time.monotonic() - began))
    winner.send_signal(signal.SIGINT)
    assert rest(winner)["error"]["code"] == 130
    for task in tasks:
        if task is not winner:
            error = rest(task)["error"]
            assert (task.returncode, error["code"]) == (4, 4)
            assert error["what"].startswith("Another run is at work on stack local: migrate, by ")
    late = max(seconds for pid, seconds in ended.items() if pid != winner.pid)
    print(f"\n{count} at once: the last was refused after {late:.1f} s")
    # They start side by side, and each takes as long as a look; none has waited for the stack.
    assert late < taken + 2 + count * usual
    assert len(runs(checkout)) == before + 1, "the others have written nothing"


def test_a_stopped_holder_loses_the_stack_after_its_lease_and_writes_nothing_when_it_goes_on(
    checkout: Checkout,
) -> None:
    first = checkout.start("backfill", "--table", "vendors", "--rate", "10", "--json")
    until(first, "progress", "backfill vendors")
    first.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        refused = checkout.run("backfill", "--table", "vendors", "--json")
        assert (refused.returncode, json.loads(refused.stdout)["error"]["code"]) == (4, 4)
        time.sleep(max(0.0, LEASE_SECONDS + 2 - (time.monotonic() - stopped)))
        second = checkout.run("backfill", "--table", "vendors", "--json")
        assert second.returncode == 0, second.stderr
        assert "Goes on in place of a dead run" in second.stderr
        assert json.loads(second.stdout)["steps"][-1]["facts"]["remaining"] == 0
        before = {name: checkout.items(name) for name in (VENDORS, LEDGER)}
    finally:
        first.send_signal(signal.SIGCONT)
    error = rest(first)["error"]
    assert (first.returncode, error["what"]) == (4, "This run has lost its lease on stack local.")
    after = {name: checkout.items(name) for name in (VENDORS, LEDGER)}
    assert {changed for name in after for changed in difference(before[name], after[name])} == set()
    newest, older = runs(checkout)[:2]
    assert (newest["result"], older["result"]) == ("done", "no end was recorded")
    assert newest["facts"]["taken_over"].startswith("backfill by ")


def test_a_stopped_holder_that_nobody_replaced_goes_on(checkout: Checkout) -> None:
    first = checkout.start("backfill", "--table", "personnel", "--rate", "100", "--json")
    until(first, "started", "backfill personnel")
    first.send_signal(signal.SIGSTOP)
    time.sleep(LEASE_SECONDS + 2)
    first.send_signal(signal.SIGCONT)
    assert rest(first)["steps"][-1]["facts"]["remaining"] == 0


def test_a_broken_lease_stops_its_holder_before_it_has_proven_anything(checkout: Checkout) -> None:
    asked = checkout.run("unlock")
    assert (asked.returncode, asked.stderr) == (0, "No run holds stack local.\n")
    task = checkout.start("backfill", "--table", "constraints", "--rate", "10", "--json")
    until(task, "progress", "backfill constraints")
    status = checkout.run("status").stdout
    assert re.search(r"At work: backfill by \S+, since ", status)
    refused = checkout.run("unlock")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (2, "Nothing was changed.")
    broken = checkout.run("unlock", "--yes")
    assert broken.returncode == 0
    assert rest(task)["error"]["what"] == "This run has lost its lease on stack local."
    assert task.returncode == 4
    assert [event["what"] for event in runs(checkout)[:2]] == ["unlock", "backfill"]
    proofs = {sort_key for partition_key, sort_key in checkout.items(LEDGER) if partition_key == "PROOF"}
    assert "backfill#constraints" not in proofs


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_a_backfill_at_a_safe_point_and_says_where_and_how_to_go_on(
    checkout: Checkout, asked: signal.Signals
) -> None:
    usual = look(checkout)
    task = checkout.start("backfill", "--table", "reports", "--rate", "20", "--json")
    until(task, "progress", "backfill reports")
    task.send_signal(asked)
    began = time.monotonic()
    error = rest(task)["error"]
    assert time.monotonic() - began < 2 + usual
    assert task.returncode == 130
    assert re.fullmatch(r"Stopped in backfill reports, step \d+ of \d+\.", error["what"])
    assert error["next"] == "To go on, run: ./invoke migrate --stack local"
    assert runs(checkout)[0]["result"] == error["what"]
    assert ("CONTROL", "LEASE") not in checkout.items(LEDGER)


@pytest.mark.parametrize("everybody", [False, True], ids=["the task alone", "its process group, as a terminal does"])
def test_ctrl_c_in_a_pulumi_up_ends_it_in_order_and_stops_the_run(checkout: Checkout, everybody: bool) -> None:
    task = checkout.start("migrate", "--json", new_session=True)
    step = until(task, "started", "create-index")["step"]
    assert in_an_up(checkout, task, Victim.CLI) is not None
    if everybody:
        os.killpg(task.pid, signal.SIGINT)
    else:
        task.send_signal(signal.SIGINT)
    error = rest(task)["error"]
    assert task.returncode == 130
    # Before the index is created, or after it.
    where = f"(in {step}|before {step.replace('create', 'verify')})"
    assert re.fullmatch(rf"Stopped {where}, step \d+ of \d+\.", error["what"])
    assert list((checkout.path / ".local" / "state" / ".pulumi").glob("locks/**/*.json")) == []


def test_a_second_ctrl_c_stops_at_once_and_the_next_run_goes_on(checkout: Checkout) -> None:
    usual = look(checkout)
    task = checkout.start("migrate", "--json")
    step = until(task, "started", "create-index")["step"]
    cli = in_an_up(checkout, task, Victim.CLI)
    assert cli is not None
    # One that has only begun obeys the first signal so soon that the second finds the run ended.
    cli.suspend()
    task.send_signal(signal.SIGINT)
    time.sleep(0.1)
    task.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, told = task.communicate(timeout=HANGS)
    assert time.monotonic() - asked < 1 + usual
    assert task.returncode == 130
    assert told.splitlines()[-2:] == ["Stopped at once.", "To go on, repeat the command."]
    again = checkout.start("migrate", "--json")
    until(again, "ended", step.removeprefix("create-index "))
    again.send_signal(signal.SIGINT)
    rest(again)


def test_a_pause_from_another_terminal_stops_a_backfill_within_two_seconds(checkout: Checkout) -> None:
    # At this rate it would take a minute.
    usual = look(checkout)
    task = checkout.start("backfill", "--table", "constraints", "--rate", "20", "--json")
    until(task, "progress", "backfill constraints")
    assert checkout.run("pause").returncode == 0
    asked = time.monotonic()
    error = rest(task)["error"]
    # Two seconds, and the process's own end.
    assert time.monotonic() - asked < 2 + usual
    assert task.returncode == 3
    assert error["next"] == "Run: ./invoke resume --stack local"
