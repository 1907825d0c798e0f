"""The lease on a stack: one holder at a time, and no write of one that has lost it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schema.errors import LeaseLost, Refused
from stack.ledger.history import UNKNOWN, History
from stack.ledger.holder import Holder
from stack.ledger.lease import KEY
from stack.ledger.ledger import Ledger
from stack.ledger.records import STACK, BackfillProof, BackupProof, OwnerProof, VerifiedProof
from stack.processes import Process, who
from tests.conftest import EmulatedStack
from tests.limits import EXPECTED

SECONDS = 60
SHORT = 8
"""The same, where it has to pass: renewed every two seconds."""


@pytest.fixture
def ledgers(moto_stack: EmulatedStack) -> tuple[Ledger, Ledger]:
    """Two runs' views of one ledger, with a lease of a minute."""
    return two_ledgers(moto_stack, SECONDS)


def two_ledgers(moto_stack: EmulatedStack, seconds: int) -> tuple[Ledger, Ledger]:
    settings = moto_stack.config.settings.model_copy(update={"lease_seconds": seconds})
    config = replace(moto_stack.config, settings=settings)
    ours, theirs = Ledger(moto_stack.client, config), Ledger(moto_stack.client, config)
    ours.create()
    return ours, theirs


def take(command: str, ledger: Ledger) -> None:
    """Takes the lease and gives it back."""
    with ledger.lease.held(command):
        pass


def holder_of(ledger: Ledger) -> Holder:
    """Who holds the stack, which somebody does."""
    holder = ledger.lease.holder()
    assert holder is not None
    return holder


def change_record(stack: EmulatedStack, ledger: Ledger, **changes: Any) -> None:
    """Has the record of the lease say something else, behind everybody's back."""
    found = stack.client.get_item(TableName=ledger.table, Key=KEY)["Item"]
    stack.client.put_item(TableName=ledger.table, Item={**found, **changes})


def test_a_second_run_is_told_who_holds_the_stack_since_when_and_how_to_break_that(
    ledgers: tuple[Ledger, Ledger],
) -> None:
    ours, theirs = ledgers
    with ours.lease.held("migrate"):
        holder = holder_of(theirs)
        attempts: list[Callable[[], object]] = [theirs.lease.refuse_if_held, lambda: take("backfill", theirs)]
        for attempt in attempts:
            with pytest.raises(Refused) as refused:
                attempt()
            assert refused.value.what == (
                f"Another run is at work on stack test: migrate, by {who()}, process {Process.current().pid}, "
                f"since {holder.since}."
            )
            assert "runs out by itself after 60 s without renewal" in refused.value.why
            assert "./invoke unlock --stack test" in refused.value.next
    theirs.lease.refuse_if_held()
    with theirs.lease.held("backfill") as dead:
        assert dead is None


def test_a_lease_that_is_renewed_outlives_its_length(moto_stack: EmulatedStack) -> None:
    ours, theirs = two_ledgers(moto_stack, SHORT)
    with ours.lease.held("migrate"):
        taken = holder_of(theirs).renewed
        while holder_of(theirs).renewed - taken <= SHORT:
            with pytest.raises(Refused):
                theirs.lease.refuse_if_held()
            time.sleep(0.2)
        ours.lease.check()


def test_a_lease_of_another_machine_is_taken_over_once_it_has_run_out(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger]
) -> None:
    ours, theirs = ledgers
    with ours.lease.held("migrate"):
        holder = holder_of(ours)
        now = holder.renewed
        change_record(moto_stack, ours, machine={"S": "elsewhere"}, token={"S": "another"}, renewed={"N": str(now)})
        with pytest.raises(Refused):
            theirs.lease.refuse_if_held()
        change_record(moto_stack, ours, renewed={"N": str(now - SECONDS - 2)})
        with theirs.lease.held("migrate") as dead:
            assert dead is not None
            assert (dead.token, dead.process.machine) == ("another", "elsewhere")


def test_a_process_of_this_machine_that_has_ended_is_taken_over_at_once(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger]
) -> None:
    ours, theirs = ledgers
    with ours.lease.held("migrate"):
        # Its id may be another program's by now: the start tells.
        change_record(moto_stack, ours, started={"N": "1000000000.0"}, token={"S": "dead"})
        with theirs.lease.held("migrate") as dead:
            assert dead is not None
            assert dead.token == "dead"


def test_of_two_that_find_the_stack_free_one_takes_it(
    ledgers: tuple[Ledger, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ledgers
    with ours.lease.held("migrate"):
        looks = iter([None, ours.lease.holder()])
        monkeypatch.setattr(theirs.lease, "holder", lambda: next(looks))
        with pytest.raises(Refused, match="Another run is at work on stack test: migrate"):
            take("backfill", theirs)
        assert holder_of(ours).token == ours.lease.token


@pytest.mark.parametrize(
    "meanwhile", [{"revision": {"S": "renewed"}}, {"token": {"S": "another"}}], ids=["renewed", "taken over"]
)
def test_a_holder_that_looked_dead_is_not_taken_over_once_its_record_has_changed(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger], monkeypatch: pytest.MonkeyPatch, meanwhile: Any
) -> None:
    ours, theirs = ledgers
    with ours.lease.held("migrate"):
        silent = replace(holder_of(ours), renewed=0.0)
        change_record(moto_stack, ours, **meanwhile)
        looks = iter([silent, ours.lease.holder()])
        monkeypatch.setattr(theirs.lease, "holder", lambda: next(looks))
        with pytest.raises(Refused, match="Another run is at work on stack test: migrate"):
            take("backfill", theirs)
        assert holder_of(ours).command == "migrate"


def test_whoever_has_lost_the_lease_writes_nothing_more(ledgers: tuple[Ledger, Ledger]) -> None:
    ours, theirs = ledgers
    history = History(ours, lambda: "a test", "a digest")

    def run() -> None:
        with ours.lease.held("migrate"), history.recording("migrate"):
            holder = holder_of(theirs)
            theirs.lease.break_it(holder)
            # By its own clock the lease is fresh: only AWS can tell.
            ours.prove(BackfillProof(subject="reports", attributes=()))

    with pytest.raises(LeaseLost):
        run()
    assert theirs.get("A", "B") is None
    assert theirs.proofs().by_key == {}
    (recorded,) = history.newest(10)
    assert recorded.result == UNKNOWN, "not even its end is recorded"


def test_a_run_whose_lease_was_broken_ends_its_engine_without_being_asked(moto_stack: EmulatedStack) -> None:
    ours, theirs = two_ledgers(moto_stack, SHORT)
    told = threading.Event()
    ours.lease.on_lost = told.set
    with ours.lease.held("migrate"):
        theirs.lease.break_it(holder_of(theirs))
        assert told.wait(EXPECTED)


def test_once_the_loss_is_known_every_kind_of_write_is_refused(ledgers: tuple[Ledger, Ledger]) -> None:
    ours, theirs = ledgers
    writes: list[Callable[[], object]] = [
        lambda: ours.put("A", "B", {}),
        lambda: ours.append("A", "B", {}),
        lambda: ours.prove(VerifiedProof(subject=STACK, schema="digest")),
        lambda: ours.disprove(VerifiedProof, STACK),
        ours.lease.check,
    ]
    with ours.lease.held("migrate"):
        ours.lease.lose()
        for write in writes:
            with pytest.raises(LeaseLost):
                write()
    assert theirs.get("A", "B") is None
    assert theirs.proofs().by_key == {}


def test_who_slept_past_the_lease_goes_on_if_nobody_took_it(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger]
) -> None:
    ours, _ = ledgers
    with ours.lease.held("migrate"):
        holder = holder_of(ours)
        change_record(moto_stack, ours, renewed={"N": str(holder.renewed - 100)})
        ours.lease._renewed = (time.monotonic() - 100, time.time() - 100)
        ours.lease.check()
        renewed = ours.lease.holder()
        assert renewed is not None
        assert abs(renewed.renewed - holder.renewed) < 5


def test_who_slept_while_another_took_over_finds_out_at_its_next_check(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger]
) -> None:
    ours, _ = ledgers
    with ours.lease.held("migrate"):
        change_record(moto_stack, ours, token={"S": "another"})
        ours.lease._renewed = (time.monotonic() - 100, time.time() - 100)
        with pytest.raises(LeaseLost, match="This run has lost its lease on stack test"):
            ours.lease.check()
    assert ours.get("CONTROL", "LEASE") is not None, "the lease of the other one is left alone"


@pytest.mark.parametrize("stood_still", ["monotonic", "wall"])
def test_a_sleep_is_noticed_though_one_of_the_clocks_stood_still(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger], stood_still: str
) -> None:
    ours, _ = ledgers
    with ours.lease.held("migrate"):
        change_record(moto_stack, ours, token={"S": "another"})
        slept = {"monotonic": (0, 100), "wall": (100, 0)}[stood_still]
        ours.lease._renewed = (time.monotonic() - slept[0], time.time() - slept[1])
        with pytest.raises(LeaseLost):
            ours.lease.check()


def test_making_the_ledger_again_changes_nothing_and_its_past_is_kept(
    moto_stack: EmulatedStack, ledgers: tuple[Ledger, Ledger]
) -> None:
    ours, theirs = ledgers
    ours.prove(OwnerProof(subject=STACK, stack="test"))
    theirs.create()
    assert theirs.proofs().get(OwnerProof, STACK) is not None
    backups: Any = moto_stack.client.describe_continuous_backups(TableName=ours.table)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_history_is_only_added_to(ledgers: tuple[Ledger, Ledger]) -> None:
    ours, _ = ledgers
    history = History(ours, lambda: "version", "digest")
    ids: list[str] = []

    def run() -> None:
        with history.recording("migrate") as recorded:
            ids.append(recorded.id)
            with recorded.step("backup reports") as facts:
                facts["bytes"] = 5
            ours.prove(BackupProof(subject="reports", schema="digest", bytes=5))
            with recorded.step("adopt"):
                raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    history.note("pause")
    events = history.newest(10)
    assert [(event.what, event.result) for event in events] == [("pause", ""), ("migrate", "RuntimeError")]
    assert events[1].facts == {"code": "version", "schema": "digest"}
    steps = history.steps(ids[0])
    assert [(step.number, step.name, step.result) for step in steps] == [
        (1, "backup reports", "done"),
        (2, "adopt", "RuntimeError"),
    ]
    assert steps[0].facts == {"bytes": 5}
    proof = ours.get("PROOF", "backup#reports")
    assert proof is not None
    assert proof["run"] == ids[0], "a proof says which run it is of, and so by whom and with which code"
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        ours.append("HISTORY", f"{ids[0]}#2-ended", {"result": "done"})
