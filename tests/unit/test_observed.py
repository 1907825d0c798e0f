"""How a watch and a load test are shown to a person."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from loadtest.measuring import Figures, judged
from loadtest.records import LoadTestResult
from migration.loading.prepare import Asked
from migration.loading.run import LoadTestSummary
from migration.watching.record import Watched
from migration.watching.watch import WatchSummary
from terminal.reporting import Result
from terminal.results.observed import CleanedResult, LoadTestShown, WatchResult, kept

AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 16, 3, tzinfo=UTC)
CLEAN = WatchSummary(
    Watched(change="run-1", began=AT, looked=LATER, seconds=14580), 14400, {"INSUFFICIENT_DATA": 2, "OK": 45}, ()
)
KINDS = {
    "project timeline": Figures(900, {}, 4.1, 9.0, 21.5, 30.0, 41.2),
    "new items of reports": Figures(
        100, {"throttled: TableWriteProvisionedThroughputExceeded of t": 2}, 6, 9, 12, 13, 14
    ),
}
ALL = Figures(1000, {"throttled: TableWriteProvisionedThroughputExceeded of t": 2}, 4.3, 9.0, 20.1, 29.0, 41.2)
BEFORE = LoadTestResult(
    began=AT,
    rate=20,
    seconds=60,
    seed=1,
    passed=True,
    requests=1200,
    errors=0,
    kinds={"project timeline": {"p99": 18.0}},
)
LOADED = LoadTestSummary(
    run="run-2",
    began=AT,
    ended=LATER,
    asked=Asked(20, 50, 1),
    migrated=True,
    kinds=KINDS,
    everything=ALL,
    reached=20.0,
    late=0.8,
    claims=tuple(judged(KINDS, ALL, 20.0, 20.0, 0.8, 100.0)),
    left_out={"work of a team": "no item was found that it reads"},
    removed=100,
    other=BEFORE,
)


def shown(result: Result) -> list[str]:
    """The lines of a result, without colours."""
    out = Console(file=io.StringIO(), width=120, highlight=False)
    for line in result.text():
        out.print(line, soft_wrap=isinstance(line, str), markup=False)
    assert isinstance(out.file, io.StringIO)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]


def test_a_clean_watch_says_how_long_and_which_alarms_have_no_data() -> None:
    result = WatchResult("prod", CLEAN)
    assert result.exit_code == 0
    assert shown(result) == [
        "Stack prod since run run-1: 4:00:00 of 4:00:00 watched.",
        "No alarm fired, and no system error was seen. Alarms: 2 INSUFFICIENT_DATA, 45 OK.",
    ]


def test_a_watch_that_found_something_says_what_to_run() -> None:
    found = replace(CLEAN.watched, seconds=600, ended_by="alarm a fires")
    result = WatchResult("prod", replace(CLEAN, watched=found, next="rollback --table t --index i"))
    assert result.exit_code == 5
    assert shown(result) == [
        "Stack prod since run run-1: 0:10:00 of 4:00:00 watched.",
        "Ended at 2026-01-01T16:03:00Z: alarm a fires.",
        "Run: ./invoke rollback --table t --index i --stack prod",
    ]
    assert result.document()["next"] == "./invoke rollback --table t --index i --stack prod"


def test_a_load_test_is_shown_beside_the_one_before_the_migration() -> None:
    result = LoadTestShown("staging", LOADED)
    assert result.exit_code == 5
    lines = shown(result)
    assert lines[0] == "Load test run-2, after the migration, in milliseconds:"
    assert [line.split() for line in lines[1:5]] == [
        ["request", "sent", "failed", "p50", "p95", "p99", "p99.9", "max", "p99", "before"],
        ["project", "timeline", "900", "0", "4.1", "9.0", "21.5", "30.0", "41.2", "18.0"],
        ["new", "items", "of", "reports", "100", "2", "6.0", "9.0", "12.0", "13.0", "14.0", "–"],
        ["all", "1,000", "2", "4.3", "9.0", "20.1", "29.0", "41.2", "–"],
    ]
    assert lines[5:8] == [
        "The one before the migration was at 2026-01-01T12:00:00Z, at 20 requests a second.",
        "  new items of reports: 2 × throttled: TableWriteProvisionedThroughputExceeded of t",
        "  left out: work of a team, because no item was found that it reads",
    ]
    assert [line.split()[0] for line in lines[9:12]] == ["ok", "NO", "ok"]
    assert lines[-1] == "100 new items were removed again."


def test_the_document_of_a_load_test_is_what_is_kept(tmp_path: Path) -> None:
    result = LoadTestShown("organization/project/staging", LOADED)
    file = tmp_path / "results" / "staging-run-2.json"
    assert kept(result, tmp_path / "results") == f"The result is kept in {file}."
    assert '"project timeline"' in file.read_text(encoding="utf-8")
    assert result.document()["other"] == {"began": "2026-01-01T12:00:00Z", "requests": BEFORE.kinds}


def test_a_result_that_cannot_be_kept_is_no_failure_of_the_test(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert kept(LoadTestShown("staging", LOADED), tmp_path / "file").startswith("The result could not be kept: ")


@pytest.mark.parametrize(
    ("removed", "says"),
    [
        (7, "7 keys of new items were removed from stack staging."),
        (0, "No load test has left anything on stack staging."),
    ],
)
def test_a_clean_up_says_what_it_removed(removed: int, says: str) -> None:
    assert shown(CleanedResult("staging", removed)) == [says]
