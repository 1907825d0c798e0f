"""What stops a backfill's proof, and what a stack may accept by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from migration.session.context import Context
from migration.session.engine import Engine
from migration.session.notifying import Notifier
from migration.session.stopping import Interrupts
from migration.steps.items.backfill import BackfillTable
from schema.errors import Refused, Waiting
from sitelogix.tables import REPORTS, SITELOGIX
from stack.aws import dynamodb_once
from stack.file.config import StackConfig
from stack.file.settings import BackfillSettings
from stack.ledger.history import History
from stack.ledger.ledger import Ledger
from stack.ledger.records import BackfillProof
from stack.world.live import read_live
from stack.world.world import World
from tests.backfilling import CLOCK, report
from tests.conftest import EmulatedStack
from tests.silence import SilentReporter

INDEX = REPORTS.ref(REPORTS.index("GSI3-StatusIndex"))
# moto's tables are provisioned with ten units, and it ignores PartiQL conditions.
PACE = {"rate": 100_000, "readRate": 100_000}
SINGLE = BackfillSettings.model_validate({"writer": "single", **PACE})


def context(stack: EmulatedStack, **settings: Any) -> Context:
    changed = {"backfill": SINGLE, **settings}
    config: StackConfig = replace(stack.config, settings=stack.config.settings.model_copy(update=changed))
    ledger = Ledger(stack.client, config)
    ledger.create()
    once = dynamodb_once(config)
    # A backfill never meets Pulumi.
    engine = cast("Engine", None)
    return Context(
        schema=SITELOGIX,
        config=config,
        client=stack.client,
        once=once,
        cloudwatch=None,
        ledger=ledger,
        history=History(ledger, lambda: "a test", SITELOGIX.digest),
        interrupts=Interrupts(lambda line: None, lambda: None),
        engine=engine,
        reporter=SilentReporter(),
        notifier=Notifier(None, config, lambda text: None),
        clock=lambda: CLOCK,
    )


def fill(made: Context) -> Any:
    world = World(live=read_live(made.client, made.config, SITELOGIX), proofs=made.ledger.proofs())
    return BackfillTable(table=REPORTS).apply(made, world)


def test_a_value_that_most_items_share_stops_before_the_index_unless_it_is_accepted(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(number, createdAt="2025") for number in range(150)])
    with pytest.raises(Waiting) as waiting:
        fill(context(moto_stack))
    assert waiting.value.what == f"Most writes to {INDEX} would go to one partition."
    assert waiting.value.why.startswith("status: 'published' 100% of 150 items.")
    assert f"acceptedHotKeys: {INDEX}: 1.00" in waiting.value.next
    assert context(moto_stack).ledger.proof(BackfillProof, "reports") is None

    with pytest.raises(Waiting):
        fill(context(moto_stack, accepted_hot_keys={INDEX: 0.9}))
    facts = fill(context(moto_stack, accepted_hot_keys={INDEX: 1.0}))
    assert facts["spread"] == {"GSI3-StatusIndex": "status: 'published' 100% of 150 items"}
    assert context(moto_stack).ledger.proof(BackfillProof, "reports") is not None


def test_of_too_few_items_a_share_says_nothing(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(number) for number in range(99)])
    assert fill(context(moto_stack))["changed"] == 99


def test_the_stack_files_writer_is_tried_before_any_item_is_touched(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(1)])
    batched = BackfillSettings.model_validate({"writer": "batched", **PACE})
    with pytest.raises(Refused) as refused:
        fill(context(moto_stack, backfill=batched))
    assert refused.value.what == "The batched writer does not work safely on this server."
    assert refused.value.next == "Set `writer: single` under things:backfill in Pulumi.test.yaml."
    assert list(moto_stack.items("reports").values()) == [report(1)]


def test_a_stack_that_is_paused_is_not_filled(moto_stack: EmulatedStack) -> None:
    moto_stack.create("reports", [report(number) for number in range(400)])
    slow = BackfillSettings.model_validate({"writer": "single", "rate": 40, "readRate": 100_000})
    made = context(moto_stack, backfill=slow)
    made.ledger.pause()
    with pytest.raises(Waiting, match="paused"):
        fill(made)
    filled = sum("status" in item for item in moto_stack.items("reports").values())
    assert filled < 120
    assert made.ledger.resume()
    assert not made.ledger.resume()
    assert fill(context(moto_stack, accepted_hot_keys={INDEX: 1.0}))["remaining"] == 0
