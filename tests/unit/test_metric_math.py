"""The local CloudWatch's metric math: what it gives, and what it refuses."""

from __future__ import annotations

import pytest

from local.alarms.metric_math import Points, Series, Unsupported, evaluate

SERIES = {
    "a": Series((1.0, None, 3.0), 300),
    "b": Series((10.0, 20.0, None), 60),
    "nothing": Series((None, None, None), 300),
    "zero": Series((0.0, 0.0, 0.0), 300),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", (1, None, 3)),
        ("a + b", (11, None, None)),
        ("2 * a - 1", (1, None, 5)),
        ("-a", (-1, None, -3)),
        ("b / zero", (None, None, None)),
        ("FILL(a, 0)", (1, 0, 3)),
        ("FILL(nothing, 7)", (7, 7, 7)),
        ("SUM([a, b])", (11, 20, 3)),
        ("SUM([nothing])", (None, None, None)),
        ("MAX([a, FILL(b, 0), nothing])", (10, 20, 3)),
        ("b / PERIOD(b)", (10 / 60, 20 / 60, None)),
        ("100 * MAX([FILL(a, 0) / PERIOD(a) / b])", (100 * (1 / 300 / 10), 0, None)),
    ],
)
def test_an_expression_gives_a_value_for_each_period(expression: str, expected: Points) -> None:
    assert evaluate(expression, SERIES) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "a +",
        "unknown",
        "SUM(a)",
        "SUM(METRICS())",
        "MIN([a])",
        "a ** 2",
        "a > 1",
        "IF(a, 1, 0)",
        "FILL(a, REPEAT)",
        "FILL(a, True)",
        "PERIOD(300)",
        "a.b",
        "a[0]",
        "__import__('os')",
        "SELECT SUM(x) FROM y",
        "1 + 1",
        "[a, b]",
        "1 / 0",
    ],
)
def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported):
        evaluate(expression, SERIES)
