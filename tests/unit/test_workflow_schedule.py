"""The schedule of migrate.yml goes on often enough with what waits."""

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


def interval() -> timedelta:
    """The time between two runs of the schedule."""
    (schedule,) = workflows()["migrate"]["on"]["schedule"]
    hours = re.fullmatch(r"\d+ \*/(\d+) \* \* \*", schedule["cron"])
    assert hours is not None
    return timedelta(hours=int(hours[1]))


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_scan_a_run_makes_a_new_index_read_ready_although_one_run_is_left_out(stack: str) -> None:
    file = read_stack_file(stack, Path(CHECKOUT), PROJECT)
    settings = config_as_written(PROJECT, file, stack).settings.late_writers
    record = None
    for number in range(48):
        at = BEGAN + number * interval() + (LATE if number % 2 else timedelta())
        if number != 4:
            record = recorded("personnel", record, Look(at, at, scanned=1, late=0), settings)
    assert record is not None
    assert record.gaps == 0
    assert unready(record, settings, write_units=1_000) == ""
