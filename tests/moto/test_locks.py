"""Pulumi's lock, which names a host and the process id of a CLI: whose it is, and when it may be cancelled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migration.session import locks as module
from migration.session.cli import CliProcess
from migration.session.locks import PARTITION, Locks, Owner, owners_in
from stack.ledger.lease import KEY
from stack.ledger.ledger import Ledger
from stack.processes import host
from tests.conftest import EmulatedStack

THERE = "host-a"
_KILLED: list[AbstractContextManager[Any]] = []


@pytest.fixture
def ledger(moto_stack: EmulatedStack) -> Iterator[Ledger]:
    made = Ledger(moto_stack.client, moto_stack.config)
    made.create()
    yield made
    while _KILLED:
        _KILLED.pop().__exit__(None, None, None)


@pytest.fixture
def cli() -> Iterator[CliProcess]:
    """A process in place of the CLI: it lives until somebody ends it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def killed(ledger: Ledger, cli: CliProcess, patch: pytest.MonkeyPatch, name: str = THERE) -> Owner:
    """A run on that host is killed while its CLI has Pulumi's lock. The lease stays, and names another machine."""
    with patch.context() as there:
        there.setattr(module, "host", lambda: name)
        # Left open, as a killed process leaves them.
        _KILLED.extend([ledger.lease.held("migrate"), Locks(ledger).noted(cli)])
        for left in _KILLED[-2:]:
            left.__enter__()
    item = ledger.get(str(KEY["PK"]["S"]), str(KEY["SK"]["S"]))
    assert item is not None
    ledger.put("CONTROL", "LEASE", {**item, "machine": "elsewhere", "token": ledger.lease.token})
    return Owner(name, cli.pid, datetime.now(UTC))


def next_run(stack: EmulatedStack, *, silent: bool) -> tuple[Ledger, Any]:
    """Another run's view of the ledger, once the lease of the dead one has run out, or was broken."""
    ledger = Ledger(stack.client, stack.config)
    holder = ledger.lease.holder()
    assert holder is not None
    if silent:
        item = ledger.get("CONTROL", "LEASE") or {}
        ledger.put("CONTROL", "LEASE", {**item, "renewed": int(holder.renewed) - 3600})
    else:
        assert ledger.lease.break_it(holder)
    return ledger, ledger.lease.held("migrate")


def test_the_lock_of_a_killed_run_of_another_host_is_dead_once_its_lease_has_run_out_and_was_taken(
    moto_stack: EmulatedStack, ledger: Ledger, cli: CliProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = killed(ledger, cli, monkeypatch)
    theirs, held = next_run(moto_stack, silent=True)
    locks = Locks(theirs)
    assert not locks.is_dead(owner), "the lease is not taken yet"
    with held as dead:
        locks.are_over(dead)
        assert locks.is_dead(owner)
        assert not locks.is_dead(replace(owner, pid=owner.pid + 1))
        assert not locks.is_dead(replace(owner, host="host-b"))
        # The same process id, but a CLI that was started before, or long after.
        assert not locks.is_dead(replace(owner, at=owner.at - timedelta(minutes=1)))
        assert not locks.is_dead(replace(owner, at=owner.at + timedelta(minutes=5)))
        locks.forget(owner)
        assert not locks.is_dead(owner)


def test_it_is_not_forgotten_by_a_run_that_did_not_need_the_lock(
    moto_stack: EmulatedStack, ledger: Ledger, cli: CliProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = killed(ledger, cli, monkeypatch)
    theirs, held = next_run(moto_stack, silent=True)
    with held as dead:
        Locks(theirs).are_over(dead)
    later = Ledger(moto_stack.client, moto_stack.config)
    with later.lease.held("migrate") as dead:
        assert dead is None
        assert Locks(later).is_dead(owner)


def test_a_lease_that_somebody_broke_says_nothing_of_the_lock(
    moto_stack: EmulatedStack, ledger: Ledger, cli: CliProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = killed(ledger, cli, monkeypatch)
    theirs, held = next_run(moto_stack, silent=False)
    with held as dead:
        assert dead is None
        assert not Locks(theirs).is_dead(owner)


def test_a_process_of_another_container_with_the_name_of_this_host_is_not_looked_for_here(
    moto_stack: EmulatedStack, ledger: Ledger, cli: CliProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = killed(ledger, cli, monkeypatch, host())
    cli.kill()
    cli.wait()
    assert Locks(ledger).is_dead(owner), "it is of this machine, and has ended"
    item = ledger.get(PARTITION, owner.key)
    assert item is not None
    ledger.put(PARTITION, owner.key, {**item, "machine": "another container"})
    assert not Locks(ledger).is_dead(owner)


def test_a_cli_that_ends_by_itself_leaves_no_note_and_one_that_is_killed_does(ledger: Ledger, cli: CliProcess) -> None:
    locks = Locks(ledger)
    with ledger.lease.held("migrate"):
        with subprocess.Popen([sys.executable, "-c", "exit(1)"], text=True) as failed, locks.noted(failed):
            failed.wait()
        assert list(ledger.records(PARTITION)) == []
        with locks.noted(cli):
            cli.kill()
            cli.wait()
        (note,) = ledger.records(PARTITION)
        assert note["SK"] == f"{host()}#{cli.pid}"


def test_the_lock_of_a_cli_that_was_killed_in_a_run_that_ended_in_order_is_dead_on_every_host(
    moto_stack: EmulatedStack, ledger: Ledger, cli: CliProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        there.setattr(module, "host", lambda: THERE)
        with ledger.lease.held("migrate"), suppress(KeyboardInterrupt), Locks(ledger).noted(cli):
            cli.kill()
            cli.wait()
            raise KeyboardInterrupt
    owner = Owner(THERE, cli.pid, datetime.now(UTC))
    later = Ledger(moto_stack.client, moto_stack.config)
    with later.lease.held("migrate") as dead:
        assert dead is None, "its lease was given back, so no later run learns of it"
        assert Locks(later).is_dead(owner)


def test_every_owner_that_pulumi_names_is_read() -> None:
    said = (
        "the stack is currently locked by 2 lock(s). …\n"
        "  s3://bucket/.pulumi/locks/a.json: created by deploy@host-a (pid 57) at 2026-01-02T03:04:05Z\n"
        "  s3://bucket/.pulumi/locks/b.json: created by uid-12345@host-b (pid 58) at 2026-01-02T03:04:06+01:00"
    )
    assert [(owner.host, owner.pid) for owner in owners_in(said)] == [("host-a", 57), ("host-b", 58)]
    assert owners_in("no lock") == []
