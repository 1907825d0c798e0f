"""Times on the command line."""

from __future__ import annotations

import pytest

from schema.errors import UsageError
from terminal.flags import duration


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("300m", 18_000), ("4h", 14_400), ("1s", 1)])
def test_a_time_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    assert duration("--for", text) == seconds


def test_a_time_that_is_not_given_is_none() -> None:
    assert duration("--for", None) is None


def test_a_number_without_a_unit_is_refused_with_what_it_may_have_meant() -> None:
    with pytest.raises(UsageError) as refused:
        duration("--for", "300")
    assert str(refused.value).splitlines() == [
        "--for 300 has no unit.",
        "Seconds, minutes or hours are all possible, so the unit is always written.",
        "Write 300s, 300m or 300h.",
    ]


@pytest.mark.parametrize("text", ["", "m", "0s", "0", "-5m", "1.5h", "5 m", "5M", "5min", "1h30m", "\u0665m"])
def test_whatever_else_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        duration("--for", text)
