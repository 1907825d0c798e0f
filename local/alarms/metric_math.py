"""The part of CloudWatch's metric math that alarms on DynamoDB need: + - * / over numbers and series, SUM and MAX over
arrays, FILL and PERIOD. Anything else is refused: half understood, an alarm would never fire."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Points = tuple[float | None, ...]
"""A value for each period, None where there is none."""
Value = float | Points

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Unsupported(Exception):
    """An expression that is not understood. The message says which part of it."""


@dataclass(frozen=True)
class Series:
    """A metric's values, one for each period of `period` seconds."""

    points: Points
    period: int


def evaluate(expression: str, series: Mapping[str, Series]) -> Points:
    """The expression's value for each period. Raises Unsupported."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise Unsupported(f"{expression!r} is no expression: {error.msg}") from None
    value = _value(tree.body, series)
    if not isinstance(value, tuple):
        raise Unsupported(f"{expression!r} gives no time series")
    return value


def _value(node: ast.expr, series: Mapping[str, Series]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=id) if id in series:
            return series[id].points
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _each(operator.mul, -1.0, _value(operand, series))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _each(_OPERATORS[type(op)], _value(left, series), _value(right, series))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(node, name, arguments, series)
    raise Unsupported(f"{ast.unparse(node)!r} is not understood")


def _call(node: ast.Call, name: str, arguments: list[ast.expr], series: Mapping[str, Series]) -> Value:
    match name, arguments:
        case "SUM" | "MAX", [ast.List(elts=elements)]:
            columns = zip(*[_points(element, series) for element in elements], strict=True)
            present = [[value for value in column if value is not None] for column in columns]
            together = sum if name == "SUM" else max
            return tuple(together(values) if values else None for values in present)
        case "FILL", [filled, ast.Constant(value=int() | float() as number)] if not isinstance(number, bool):
            return tuple(float(number) if value is None else value for value in _points(filled, series))
        case "PERIOD", [ast.Name(id=id)] if id in series:
            return float(series[id].period)
    raise Unsupported(f"{ast.unparse(node)!r} is not understood")


def _points(node: ast.expr, series: Mapping[str, Series]) -> Points:
    value = _value(node, series)
    if not isinstance(value, tuple):
        raise Unsupported(f"{ast.unparse(node)!r} is no time series")
    return value


def _each(operation: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """The operation on two numbers, or for each period; none where a value is missing, or a division is by zero."""
    if isinstance(left, tuple):
        rights = right if isinstance(right, tuple) else (right,) * len(left)
        return tuple(_one(operation, *pair) for pair in zip(left, rights, strict=True))
    if isinstance(right, tuple):
        return tuple(_one(operation, left, value) for value in right)
    result = _one(operation, left, right)
    if result is None:
        raise Unsupported("a division by the number zero")
    return result


def _one(operation: Callable[[float, float], float], left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        return operation(left, right)
    except ZeroDivisionError:
        return None
