"""Arithmetic over metric names, parsed into a syntax tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exporter.config.messages import quoted

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([a-z][a-z0-9_]*)|([-+*/()]))")
_MAX_DEPTH = 50
_MAX_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a metric."""

    metric: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands of + - * or /."""

    operator: str
    left: Expression
    right: Expression


Expression = Constant | Ref | Binary


def parse(text: str) -> Expression:
    """The syntax tree of `text`. Raises ValueError with what is wrong and where."""
    tokens = _tokens(text)
    tree, end = _sum(tokens, 0, 0)
    if end != len(tokens) and tokens[end] == ")":
        raise ValueError("a bracket is closed but never opened")
    if end != len(tokens):
        raise ValueError(f"an operator such as / is missing before {quoted(tokens[end])}")
    return tree


def metrics_of(tree: Expression) -> tuple[str, ...]:
    """Names of the metrics in an expression, each once, in order."""
    return tuple(dict.fromkeys(_names(tree)))


def divides(tree: Expression) -> bool:
    """True if a metric is in a divisor, which makes the value a ratio."""
    if not isinstance(tree, Binary):
        return False
    if tree.operator == "/" and metrics_of(tree.right):
        return True
    return divides(tree.left) or divides(tree.right)


def calculate(tree: Expression, value_of: Callable[[str], float | None]) -> float | None:
    """The value; None if a metric has no value or a divisor is zero."""
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, Ref):
        return value_of(tree.metric)
    left, right = calculate(tree.left, value_of), calculate(tree.right, value_of)
    if left is None or right is None:
        return None
    if tree.operator == "/":
        return left / right if right else None
    if tree.operator == "*":
        return left * right
    return left + right if tree.operator == "+" else left - right


def _names(tree: Expression) -> Iterator[str]:
    if isinstance(tree, Ref):
        yield tree.metric
    elif isinstance(tree, Binary):
        yield from _names(tree.left)
        yield from _names(tree.right)


def _tokens(text: str) -> list[str]:
    tokens, position, length = [], 0, len(text.rstrip())
    while position < length:
        match = _TOKEN.match(text, position)
        if not match:
            raise ValueError(f"{quoted(text[position:].strip())} is not a metric name, a number or one of + - * / ( )")
        tokens.append(match.group().strip())
        position = match.end()
        if len(tokens) > _MAX_TOKENS:
            raise ValueError("the value is too long: define metrics for parts of it")
    if not tokens:
        raise ValueError("the value is empty: name a metric")
    return tokens


def _sum(tokens: list[str], index: int, depth: int) -> tuple[Expression, int]:
    left, index = _product(tokens, index, depth)
    while index < len(tokens) and tokens[index] in "+-":
        right, end = _product(tokens, index + 1, depth)
        left, index = Binary(tokens[index], left, right), end
    return left, index


def _product(tokens: list[str], index: int, depth: int) -> tuple[Expression, int]:
    left, index = _operand(tokens, index, depth)
    while index < len(tokens) and tokens[index] in "*/":
        right, end = _operand(tokens, index + 1, depth)
        left, index = Binary(tokens[index], left, right), end
    return left, index


def _operand(tokens: list[str], index: int, depth: int) -> tuple[Expression, int]:
    if depth > _MAX_DEPTH:
        raise ValueError("the value has too many brackets")
    if index == len(tokens):
        raise ValueError("the value ends where a metric or number is expected")
    symbol = tokens[index]
    if symbol == "(":
        inner, index = _sum(tokens, index + 1, depth + 1)
        if index == len(tokens) or tokens[index] != ")":
            raise ValueError("a bracket is not closed")
        return inner, index + 1
    if symbol == "-":
        inner, index = _operand(tokens, index + 1, depth + 1)
        return Binary("-", Constant(0.0), inner), index
    if symbol in "+*/)":
        raise ValueError(f"expected a metric or number, found {symbol!r}")
    return (Constant(float(symbol)) if symbol[0].isdigit() else Ref(symbol)), index + 1
