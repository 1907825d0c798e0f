"""The schedules of migrate.yml and of docs/ci.md go on often enough with what waits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sitelogix.project import PROJECT
from stack.file.document import read_stack_file
from stack.gates.late_writers import Look, recorded, unready
from stack.lint.linting import config_as_written
from tests.workflows import CHECKOUT, workflows

BEGAN = datetime(2026, 1, 1, 0, 17, tzinfo=UTC)
LATE = timedelta(minutes=50)
"""By how much GitHub may begin a scheduled job later than it should: at busy hours, and beside other jobs."""


def intervals() -> list[timedelta]:
    """The time between two runs, of the workflow and of the document's crontab."""
    (schedule,) = workflows()["migrate"]["on"]["schedule"]
    document = (CHECKOUT / "docs" / "ci.md").read_text(encoding="utf-8")
    lines = [schedule["cron"], *re.findall(r"^(.+?)  deploy  /srv/sitelogix/keyshift-cron ", document, re.MULTILINE)]
    hours = [re.fullmatch(r"\d+ \*/(\d+) \* \* \*", line) for line in lines]
    assert len(lines) == 2
    return [timedelta(hours=int(found[1])) for found in hours if found is not None]


@pytest.mark.parametrize("interval", intervals(), ids=["migrate.yml", "docs/ci.md"])
@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_scan_a_run_makes_a_new_index_read_ready_although_one_run_is_left_out(
    stack: str, interval: timedelta
) -> None:
    file = read_stack_file(stack, Path(CHECKOUT), PROJECT)
    settings = config_as_written(PROJECT, file, stack).settings.late_writers
    record = None
    for number in range(48):
        at = BEGAN + number * interval + (LATE if number % 2 else timedelta())
        if number != 4:
            record = recorded("personnel", record, Look(at, at, scanned=1, late=0), settings)
    assert record is not None
    assert record.gaps == 0
    assert unready(record, settings, write_units=1_000) == ""
