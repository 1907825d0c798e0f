"""How a plan is shown: its findings too, for a person and for a program."""

from __future__ import annotations

from rich.text import Text

from migration.plan.findings import Finding
from migration.plan.result import Plan
from terminal.results.plan import PlanResult
from terminal.results.status import StatusResult

READ = Finding(("reports",), "its changes are read by audit")
UNREAD = Finding(("reports", "vendors"), "Kinesis destinations: AWS denies it", known=False)
LIMITS = Finding((), "the account's limits: AWS throttles it", known=False)


def lines(result: PlanResult | StatusResult) -> list[str]:
    return [str(line) for line in result.text() if isinstance(line, str | Text)]


def test_a_plan_shows_what_was_found_and_what_is_not_known() -> None:
    result = PlanResult(
        "prod", Plan(left_alone=("reports/GSI9 is live and not in the schema",), findings=(READ, UNREAD))
    )
    assert lines(result) == [
        "Nothing to do on stack prod.",
        "Left alone: reports/GSI9 is live and not in the schema.",
        "Found: reports: its changes are read by audit.",
        "Not known: reports, vendors: Kinesis destinations: AWS denies it.",
    ]
    assert result.document()["findings"] == [
        {"tables": ["reports"], "text": "its changes are read by audit", "known": True},
        {"tables": ["reports", "vendors"], "text": "Kinesis destinations: AWS denies it", "known": False},
    ]


def test_status_shows_what_is_not_known() -> None:
    result = StatusResult("prod", None, None, None, [], [LIMITS])
    assert lines(result) == ["Not known: the account's limits: AWS throttles it."]
    assert result.document()["not_known"] == [{"tables": (), "text": LIMITS.text, "known": False}]
