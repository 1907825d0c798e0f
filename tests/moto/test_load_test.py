"""A load test over the AWS protocol: what it reads and writes, and that nothing of it stays, whatever ends it."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.arrivals import poisson
from loadtest.items import MARK
from loadtest.records import AFTER, BEFORE, WritingNote, note, result, writing
from local.stack import create_table
from migration.loading.prepare import Asked, prepare
from migration.loading.run import clean_up, load_test
from migration.session.context import Context
from migration.session.locks import Locks
from schema.errors import Interrupted, Refused, UsageError, Waiting
from schema.model import AccessPattern, Schema
from sitelogix.tables import ACCESS_PATTERNS, PERSONNEL, REPORTS, WORK_LOGS
from stack.file.settings import LoadTestSettings, PromotesFrom
from stack.ledger.records import STACK, LoadTestProof
from stack.world.managed import Managed
from tests.conftest import EmulatedStack
from tests.limits import HANGS
from tests.moto.test_backfill_decisions import context as plain
from tests.rolling_back import RecordingEngine
from tests.worlds import TIME

SCHEMA = Schema(
    (REPORTS, PERSONNEL, WORK_LOGS),
    tuple(pattern for pattern in ACCESS_PATTERNS if pattern.table in {"reports", "personnel", "work-logs"}),
)
ALLOWED = LoadTestSettings.model_validate({"allowed": True, "maximumRate": 500, "writeShare": 0.3})
ASKED = Asked(rate=40, seconds=1.5, seed=5)
SENT = len(list(poisson(ASKED.rate, ASKED.seconds, random.Random(ASKED.seed + 1))))
PROJECT = Path(__file__).resolve().parents[2]
KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.conftest import EmulatedStack, stack_on
from tests.moto.test_load_test import ASKED, opened
from migration.loading.prepare import prepare
from migration.loading.run import load_test
from loadtest import cleaning
cleaning.BLOCK_SECONDS, cleaning.LEAST_BLOCK = 0, 3
endpoint, prefix = sys.argv[1:]
stack = stack_on(endpoint, Path())
settings = stack.config.settings.model_copy(update={"table_prefix": prefix})
context = opened(EmulatedStack(replace(stack.config, settings=settings), stack.client))
put, written = context.once.put_item, []
def killed(**request):
    put(**request)
    written.append(request)
    if len(written) >= 4:
        os.kill(os.getpid(), 9)
context.once.put_item = killed
load_test(context, prepare(context, ASKED))
"""


def report(number: int) -> dict[str, Any]:
    return {
        "PK": {"S": f"REPORT#{number}"},
        "SK": {"S": "METADATA"},
        "project_id": {"S": f"p{number % 3}"},
        "report_date": {"S": "2025-01-01"},
        "manager_id": {"S": "m1"},
    }


def person(number: int) -> list[dict[str, Any]]:
    key = {"PK": {"S": f"PERSON#{number}"}}
    return [
        {**key, "SK": {"S": "PROFILE"}, "full_name": {"S": f"Ana {number}"}},
        {**key, "SK": {"S": "HISTORY#r1#2025-03-03T00:00:00Z"}, "hours": {"N": "8"}},
    ]


def opened(stack: EmulatedStack, settings: LoadTestSettings = ALLOWED, schema: Schema = SCHEMA) -> Context:
    """A context that allows load tests."""
    made = plain(stack, load_test=settings)
    made.schema = schema
    made.engine = RecordingEngine(Managed(created=True))
    made.engine.locks = Locks(made.ledger)
    return made


@pytest.fixture
def stack(moto_stack: EmulatedStack) -> EmulatedStack:
    """Tables as before the migration, with some items."""
    moto_stack.create("reports", [report(number) for number in range(30)])
    moto_stack.create("personnel", [item for number in range(10) for item in person(number)])
    return moto_stack


def items(stack: EmulatedStack) -> dict[str, Any]:
    return {table: stack.items(table) for table in ("reports", "personnel")}


def test_every_request_is_sent_and_measured_and_nothing_of_it_stays(stack: EmulatedStack) -> None:
    before, context = items(stack), opened(stack)
    done = load_test(context, prepare(context, ASKED))
    assert done.everything.requests == sum(each.requests for each in done.kinds.values()) == SENT
    assert done.everything.errors == {}
    assert set(done.kinds) <= {
        "report by id",
        "project timeline",
        "reports of a manager",
        "personnel history",
        "name search",
        "new items of reports",
        "new items of personnel",
    }
    written = sum(each.requests for name, each in done.kinds.items() if name.startswith("new items"))
    assert written > 5
    assert done.removed == written
    assert items(stack) == before
    assert writing(context.ledger) is None


def test_what_is_not_live_or_has_no_items_is_left_out_by_name(stack: EmulatedStack) -> None:
    create_table(stack.client, stack.config.physical_name("work-logs"), WORK_LOGS)
    prepared = prepare(opened(stack), ASKED)
    assert prepared.mix.left_out == {
        "workflow queue": "index GSI3-StatusIndex is not live",
        "inactive personnel": "index GSI2-StatusIndex is not live",
        "equipment use": "no item was found that it reads",
        "work of a team": "no item was found that it reads",
    }
    assert not prepared.migrated
    assert "  left out: workflow queue, because index GSI3-StatusIndex is not live" in list(prepared.says())


def test_what_it_will_cost_is_said_before_anything_is_sent(stack: EmulatedStack) -> None:
    prepared = prepare(opened(stack), Asked(rate=100, seconds=600, seed=1))
    says = list(prepared.says())
    # 70 % are reads, of half a unit each: 25 items are less than 4 KB. 18 reports a second take 3 units, and 12 items
    # of personnel 11/8: of 8 real ones that were drawn, 3 are in an index. All are removed again.
    assert says[0] == (
        "100 requests a second for 600 s, seed 1: at most 21,000 read units, 84,600 write units with the removal of "
        "what is written; $0.0555 on demand."
    )
    assert "  report by id: 14.00 a second, 0.5 units each at most, 4,200 in all" in says


def test_an_item_of_the_sample_enters_the_indexes_of_its_table(stack: EmulatedStack) -> None:
    prepared = prepare(opened(stack), ASKED)
    units = {kind.table.name: kind.units for kind in prepared.mix.writings}
    # A report is in two indexes, a profile in one, a record of a person's history in none.
    assert units["reports"] == 3
    assert 1 <= units["personnel"] <= 2


def test_the_verdict_and_the_figures_are_kept_and_shown_beside_those_of_the_other_state(stack: EmulatedStack) -> None:
    context = opened(stack)
    first = load_test(context, prepare(context, ASKED))
    assert first.other is None
    proof = context.ledger.proof(LoadTestProof, STACK)
    assert proof is not None
    assert (proof.requests, proof.errors, proof.limit_ms, proof.passed) == (SENT, 0, 100, first.passed)
    assert proof.p99_ms == max(each.p99 for each in first.kinds.values())
    kept = result(context.ledger, BEFORE)
    assert kept is not None
    assert (kept.rate, kept.seconds, kept.seed, kept.requests) == (40, 1.5, 5, SENT)
    assert kept.kinds["report by id"]["p99"] == first.kinds["report by id"].p99
    # With a schema that asks for nothing new the stack is migrated already.
    tables = tuple(table for each in SCHEMA if (table := each.before()) is not None)
    reads = tuple(AccessPattern(one.name, one.table, one.index) for one in SCHEMA.access_patterns[:2])
    after = opened(stack, schema=Schema(tables, reads))
    second = load_test(after, prepare(after, ASKED))
    assert second.migrated
    assert second.other == kept
    assert result(context.ledger, AFTER) is not None
    events = [(event.what, event.result) for event in context.history.newest(5)]
    assert events == [("loadtest", said(second.passed)), ("loadtest", said(first.passed))]


@pytest.mark.parametrize(("weights", "holds"), [({}, False), ({"project timeline": 0}, True)])
def test_an_access_pattern_that_nobody_could_read_keeps_a_migrated_stack_from_passing(
    moto_stack: EmulatedStack, weights: dict[str, float], *, holds: bool
) -> None:
    # Reports of which none is in the index.
    moto_stack.create("reports", [{"PK": {"S": f"REPORT#{number}"}, "SK": {"S": "METADATA"}} for number in range(5)])
    before = REPORTS.before()
    assert before is not None
    reads = tuple(one for one in ACCESS_PATTERNS if one.name in {"report by id", "project timeline"})
    settings = LoadTestSettings.model_validate(
        {"allowed": True, "maximumRate": 40, "writeShare": 0, "weights": weights}
    )
    context = opened(moto_stack, settings, Schema((before,), reads))
    done = load_test(context, prepare(context, ASKED))
    assert done.migrated
    claim = next(claim for claim in done.claims if claim.name == "every kind of request was sent")
    assert claim.holds == holds
    if not holds:
        assert claim.evidence == "'project timeline': no item was found that it reads"
        assert not done.passed


def said(passed: bool) -> str:
    return "done" if passed else "not passed"


def test_ctrl_c_in_the_middle_removes_what_was_written(stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    before, context = items(stack), opened(stack)
    put, written = context.once.put_item, []

    def interrupting(**request: Any) -> Any:
        written.append(request["Item"]["PK"]["S"])
        # A real item is never replaced.
        assert request["ConditionExpression"] == "attribute_not_exists(#n0)"
        answer = put(**request)
        if len(written) >= 3:
            context.interrupts.requested.set()
        return answer

    prepared = prepare(context, Asked(rate=40, seconds=60, seed=5))
    monkeypatch.setattr(context.once, "put_item", interrupting)
    with pytest.raises(Interrupted):
        load_test(context, prepared)
    assert len(written) >= 3
    assert all(prepared.mark in key for key in written)
    assert items(stack) == before
    assert writing(context.ledger) is None
    assert context.ledger.proof(LoadTestProof, STACK) is None


def test_what_a_killed_one_left_is_noted_and_the_next_one_removes_it(stack: EmulatedStack) -> None:
    before = items(stack)
    left = killed(stack)
    assert left.mark.startswith(MARK)
    found = items(stack)
    assert sum(len(found[table]) - len(before[table]) for table in before) >= 4
    context = opened(stack)
    done = load_test(context, prepare(context, ASKED))
    assert done.everything.requests == SENT
    assert items(stack) == before
    assert writing(context.ledger) is None


def test_what_a_killed_one_left_can_be_removed_alone(stack: EmulatedStack) -> None:
    before = items(stack)
    left = killed(stack)
    context = opened(stack)
    assert clean_up(context) == sum(left.most.values())
    assert items(stack) == before
    assert clean_up(context) == 0


def test_what_was_left_in_a_table_that_is_gone_is_gone_with_it(stack: EmulatedStack) -> None:
    before, context = items(stack), opened(stack)
    gone, there = (stack.config.physical_name(name) for name in ("work-logs", "reports"))
    key = {"PK": {"S": f"REPORT#{MARK}0"}, "SK": {"S": "METADATA"}}
    stack.client.put_item(TableName=there, Item=key)
    left = WritingNote(
        at=TIME,
        mark=MARK,
        rate=1000,
        partition_keys=dict.fromkeys((gone, there), "PK"),
        stems={table: [{"PK": {"S": "REPORT#"}, "SK": {"S": "METADATA"}}] for table in (gone, there)},
        most={gone: 30, there: 1},
    )
    note(context.ledger, left)
    assert clean_up(context) == 1
    assert items(stack) == before
    assert writing(context.ledger) is None


def killed(stack: EmulatedStack) -> WritingNote:
    """Runs a load test that is killed after some writes; returns what it has noted."""
    command = [sys.executable, "-c", KILLED, str(stack.config.endpoint), stack.config.settings.table_prefix]
    ended = subprocess.run(command, cwd=PROJECT, timeout=HANGS, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr
    found = writing(opened(stack).ledger)
    assert found is not None
    return found


def test_the_items_of_a_killed_one_are_no_templates_of_the_next(stack: EmulatedStack) -> None:
    killed(stack)
    prepared = prepare(opened(stack), ASKED)
    stems = [stem["PK"]["S"] for kind in prepared.mix.writings for stem in kind.source.stems]
    assert stems
    assert not any(MARK in stem for stem in stems)


def test_a_note_that_names_no_mark_of_ours_removes_nothing(stack: EmulatedStack) -> None:
    before, context = items(stack), opened(stack)
    table = stack.config.physical_name("reports")
    stems = {table: [{"PK": {"S": "REPORT#"}, "SK": {"S": "METADATA"}}]}
    forged = WritingNote(
        at=TIME,
        mark="",
        rate=10,
        partition_keys={table: "PK"},
        stems=stems,
        most={table: 30},
    )
    note(context.ledger, forged)
    with pytest.raises(Refused, match="names no mark of ours"):
        clean_up(context)
    assert items(stack) == before


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "Stack test allows no load test."),
        ({"allowed": True, "maximumRate": 39}, "Stack test allows at most 39 requests a second, not 40."),
    ],
)
def test_a_stack_that_does_not_allow_it_is_not_loaded(
    stack: EmulatedStack, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused) as refused:
        prepare(opened(stack, LoadTestSettings.model_validate(settings)), ASKED)
    assert refused.value.what == says
    assert refused.value.exit_code == 4


def test_a_stack_that_another_one_is_promoted_to_has_to_allow_it_by_name(stack: EmulatedStack) -> None:
    from_staging = PromotesFrom.model_validate({"stack": "staging"})
    context = opened(stack)
    settings = context.config.settings.model_copy(update={"promotes_from": from_staging})
    context.config = replace(context.config, settings=settings)
    with pytest.raises(Refused, match="is one that another is promoted to"):
        prepare(context, ASKED)
    load_test = ALLOWED.model_copy(update={"production": True})
    context.config = replace(context.config, settings=settings.model_copy(update={"load_test": load_test}))
    assert prepare(context, ASKED).mix.kinds


def test_a_paused_stack_is_not_loaded(stack: EmulatedStack) -> None:
    context = opened(stack)
    context.ledger.pause()
    with pytest.raises(Waiting, match="Stack test is paused"):
        prepare(context, ASKED)


def test_where_there_is_nothing_to_read_nothing_is_sent(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [])
    with pytest.raises(UsageError, match="There is nothing to send") as refused:
        prepare(opened(moto_stack), ASKED)
    assert "report by id: no item was found that it reads" in refused.value.why


def test_a_stack_on_which_somebody_is_at_work_is_not_loaded(stack: EmulatedStack) -> None:
    context, other = opened(stack), opened(stack)
    prepared = prepare(context, ASKED)
    with other.ledger.lease.held("migrate"), pytest.raises(Refused, match="is at work"):
        load_test(context, prepared)
    assert writing(context.ledger) is None
