"""Arithmetic over metric names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.expression import calculate, divides, metrics_of, parse

VALUES = {"a": 8.0, "b": 2.0, "c": 3.0, "zero": 0.0}


def value(text: str) -> float | None:
    return calculate(parse(text), VALUES.get)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a", 8),
        ("a + b * c", 14),
        ("(a + b) * c", 30),
        ("a / b / b", 2),
        ("a - b - c", 3),
        ("a - (b - c)", 9),
        ("-a + b", -6),
        ("- ( a )", -8),
        ("a/b", 4),
        ("100 * b / a", 25),
        ("1.5 * b", 3),
        ("  a  ", 8),
        ("2", 2),
        ("--a", 8),
        ("a * -b", -16),
    ],
)
def test_arithmetic_follows_the_usual_precedence(text: str, result: float) -> None:
    assert value(text) == result


@pytest.mark.parametrize("text", ["a / zero", "a / (b - b)", "unknown", "a + unknown", "unknown * zero", "-unknown"])
def test_an_unknown_operand_gives_no_value(text: str) -> None:
    assert value(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a b", "operator"),
        ("a +", "ends"),
        ("(a", "not closed"),
        ("a)", "never opened"),
        ("* a", "found"),
        ("a / * b", "found"),
        ("a ^ b", "not a metric name"),
        ("A", "not a metric name"),
        ("a.b", "not a metric name"),
        ("1e3", "operator"),
        ("()", "found"),
        ("a + " * 200 + "a", "too long"),
        ("(" * 80 + "a" + ")" * 80, "too many brackets"),
        ("-" * 80 + "a", "too many brackets"),
    ],
)
def test_an_invalid_expression_is_rejected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_metrics_are_listed_once_in_order() -> None:
    assert metrics_of(parse("b / (a + b) * 2")) == ("b", "a")
    assert metrics_of(parse("2 * 3")) == ()


@pytest.mark.parametrize(
    ("text", "ratio"), [("a / b", True), ("1 - a / b", True), ("a / 2", False), ("(a + b) / 2 + c", False)]
)
def test_only_a_division_by_a_metric_makes_a_ratio(text: str, ratio: bool) -> None:
    assert divides(parse(text)) is ratio


@given(st.text(alphabet="ab12+-*/() .x", max_size=40))
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    try:
        tree = parse(text)
    except ValueError:
        return
    calculate(tree, VALUES.get)
