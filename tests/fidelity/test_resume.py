"""A backfill that is killed, again and again, ends as one that was not; and can still be taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfills.run.assembly import Options
from schema.backfill import Given, fill
from sitelogix.backfills import REPORTS
from stack.aws import dynamodb_once
from tests.backfilling import Killed, Mortal, assembly, report
from tests.conftest import EmulatedStack

CHECKOUT = Path(__file__).resolve().parents[2]
ITEMS = 40
kills = st.lists(st.tuples(st.integers(1, 90), st.booleans(), st.sampled_from([1, 2, 5])), max_size=5)
_numbers = count()


def reports() -> list[dict[str, Any]]:
    """Some have no creation time, some were filled by the application, in part or wholly."""
    kinds: list[dict[str, str]] = [
        {},
        {"createdAt": "2025-01-01"},
        {"status": "draft"},
        {"createdAt": "2025-02-02", "timestamp": "2025-03-03"},
        {"status": "draft", "timestamp": "2025-04-04"},
    ]
    return [report(number, **kinds[number % len(kinds)]) for number in range(ITEMS)]


def filled(clock: str) -> list[dict[str, Any]]:
    """What the reports are to become at that reading of the clock."""
    done = []
    for item in reports():
        values = fill(REPORTS, item, Given(clock)).values
        done.append({**item, **{name: {"S": value} for name, value in values.items()}})
    return done


def items(stack: EmulatedStack) -> list[dict[str, Any]]:
    return [item for _, item in sorted(stack.items("reports").items())]


def fresh(stack: EmulatedStack) -> EmulatedStack:
    """The same emulator with a table and a ledger that no example before has used."""
    prefix = f"{stack.config.settings.table_prefix}{next(_numbers)}-"
    settings = stack.config.settings.model_copy(update={"table_prefix": prefix})
    return EmulatedStack(replace(stack.config, settings=settings), stack.client)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=kills, workers=st.sampled_from([1, 4]))
def test_any_sequence_of_kills_ends_in_the_same_table_as_no_kill(
    dynamodb_local: EmulatedStack, kills: list[tuple[int, bool, int]], workers: int
) -> None:
    stack = fresh(dynamodb_local)
    stack.create("reports", reports())
    for number, (requests, after, killed_workers) in enumerate(kills):
        options = Options(workers=killed_workers, segments=4, page_items=3)
        client = Mortal(dynamodb_once(stack.config), requests, after=after)
        try:
            assembly(stack, "reports", options, client).run(f"clock {number}")
        except Killed:
            continue
    assembly(stack, "reports", Options(workers=workers, segments=7, page_items=5)).run("last clock")
    # One reading of the clock for all items: that of the first run that lived to record it.
    clocks = [*(f"clock {number}" for number in range(len(kills))), "last clock"]
    assert items(stack) in [filled(clock) for clock in clocks]
    assembly(stack, "reports").undo(lambda undone: None)
    assert items(stack) == reports()


def test_a_killed_page_costs_at_most_one_page_a_segment(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(number) for number in range(60)])
    options = Options(workers=2, segments=4, page_items=3)
    scanned: list[int] = []
    client = Mortal(dynamodb_once(dynamodb_local.config), 60, after=True)
    killed = assembly(dynamodb_local, "reports", options, client, lambda counts: scanned.append(counts.scanned))
    with suppress(Killed):
        killed.run("clock")
    done = max(scanned)
    assert 0 < done < 60
    first: list[int] = []
    resumed = assembly(dynamodb_local, "reports", options, None, lambda counts: first.append(counts.scanned))
    resumed.run("another clock")
    # What the checkpoints hold is shown at once: all but a page (three items) of each of two segments at work.
    assert first[3] >= done - 2 * 3 - 3
    assert {item["timestamp"]["S"] for item in items(dynamodb_local)} == {"clock"}


def test_a_process_that_is_really_killed_is_gone_on_with(dynamodb_local: EmulatedStack) -> None:
    dynamodb_local.create("reports", [report(number, createdAt="2025") for number in range(3000)])
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.backfilling import assembly; from tests.conftest import EmulatedStack, stack_on\n"
        "from stack.file.config import StackConfig; from stack.aws import dynamodb; from tests.worlds import settings\n"
        "from backfills.run.assembly import Options\n"
        "config = StackConfig('test', Path(sys.argv[1]), settings(table_prefix=sys.argv[2]), 'us-east-1', 'things',"
        " sys.argv[3], access_key='test', secret_key='test')\n"
        "stack = EmulatedStack(config, dynamodb(config))\n"
        "assembly(stack, 'reports', Options(segments=4, page_items=100), None,"
        " lambda counts: print(counts.changed, flush=True)).run(sys.argv[4])\n"
    )
    config = dynamodb_local.config
    arguments = [str(config.checkout), config.settings.table_prefix, str(config.endpoint)]
    for number in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", program, *arguments, f"clock {number}"],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) > 500 * (number + 1):
                    break
            time.sleep(0.02 * number)
            os.kill(process.pid, signal.SIGKILL)
    partly = sum("status" in item for item in items(dynamodb_local))
    assert 500 < partly < 3000
    result = assembly(dynamodb_local, "reports", Options(segments=9, workers=7)).run("last clock")
    assert result.counts.remaining == 0
    assert {item["status"]["S"] for item in items(dynamodb_local)} == {"published"}
    state = assembly(dynamodb_local, "reports").checkpoint.last()
    assert state is not None
    assert (state.clock, state.segments) == ("clock 0", 4)
