"""Arithmetic over metric names: parsed once into a small syntax tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exporter.config.messages import quoted

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([a-z][a-z0-9_]*)|([-+*/()]))")
_DEEPEST = 50
_MOST_TOKENS = 200


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
    """Two expressions under one of + - * /."""

    operator: str
    left: Expression
    right: Expression


Expression = Constant | Ref | Binary


def parse(text: str) -> Expression:
    """The tree of `text`; raises ValueError saying what is wrong and where."""
    tokens = _tokens(text)
    tree, rest = _sum(tokens, 0, 0)
    if rest != len(tokens) and tokens[rest] == ")":
        raise ValueError("a bracket is closed that was never opened")
    if rest != len(tokens):
        raise ValueError(f"an operator such as / is missing before {quoted(tokens[rest])}")
    return tree


def metrics_of(tree: Expression) -> tuple[str, ...]:
    """Names of the metrics in it, each once, in order."""
    return tuple(dict.fromkeys(_names(tree)))


def divides(tree: Expression) -> bool:
    """True where a metric stands under a division: the value is then a ratio, not a sum."""
    if not isinstance(tree, Binary):
        return False
    if tree.operator == "/" and metrics_of(tree.right):
        return True
    return divides(tree.left) or divides(tree.right)


def calculate(tree: Expression, value_of: Callable[[str], float | None]) -> float | None:
    """The value, or None where a part is absent or a denominator is zero."""
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
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match:
            raise ValueError(f"{quoted(text[position:].strip())} is no metric name, no number and none of + - * / ( )")
        tokens.append(match.group().strip())
        position = match.end()
        if len(tokens) > _MOST_TOKENS:
            raise ValueError("the value is too long: add up parts in a metric of their own")
    if not tokens:
        raise ValueError("the value is empty: name a metric")
    return tokens


def _sum(tokens: list[str], at: int, depth: int) -> tuple[Expression, int]:
    left, at = _product(tokens, at, depth)
    while at < len(tokens) and tokens[at] in "+-":
        right, after = _product(tokens, at + 1, depth)
        left, at = Binary(tokens[at], left, right), after
    return left, at


def _product(tokens: list[str], at: int, depth: int) -> tuple[Expression, int]:
    left, at = _atom(tokens, at, depth)
    while at < len(tokens) and tokens[at] in "*/":
        right, after = _atom(tokens, at + 1, depth)
        left, at = Binary(tokens[at], left, right), after
    return left, at


def _atom(tokens: list[str], at: int, depth: int) -> tuple[Expression, int]:
    if depth > _DEEPEST:
        raise ValueError("the value has too many brackets")
    if at == len(tokens):
        raise ValueError("the value ends where a metric or number is expected")
    sign = tokens[at]
    if sign == "(":
        inner, at = _sum(tokens, at + 1, depth + 1)
        if at == len(tokens) or tokens[at] != ")":
            raise ValueError("a bracket is not closed")
        return inner, at + 1
    if sign == "-":
        inner, at = _atom(tokens, at + 1, depth + 1)
        return Binary("-", Constant(0.0), inner), at
    if sign in "+*/)":
        raise ValueError(f"a metric or number is expected where {sign!r} stands")
    return (Constant(float(sign)) if sign[0].isdigit() else Ref(sign)), at + 1
