"""Values that are added up from window to window, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.metrics.running_values import RunningValues, WindowChange
from exporter.metrics.values import MeasuredValue
from tests.metrics.queries import metric
from tests.metrics.stores import config_of

A, B = ("North",), ("South",)


def running(changes: list[WindowChange], *, grouped: bool = True, **keys: Any) -> RunningValues:
    (only,) = config_of(metric(entity="deals", at="closed_at", **keys)).metrics
    values = RunningValues(only, changes, grouped=grouped)
    values.restart(0, 0)
    return values


def change(number: int, value: object, *, key: tuple[str, ...] = A, rows: int = 1, period: int = 0) -> WindowChange:
    return WindowChange(number, period, key, rows, value, rows, 0)


def test_a_sum_grows_from_window_to_window_and_only_changed_groups_are_named() -> None:
    values = running([change(0, 10), change(0, 5, key=B), change(2, 7)], sum="amount")
    assert set(values.advance(0)) == {A, B}
    assert set(values.advance(1)) == set()
    assert set(values.advance(2)) == {A}
    assert values.values == {A: MeasuredValue(17.0, 2), B: MeasuredValue(5.0, 1)}


def test_a_new_period_begins_at_its_first_end_and_counts_only_what_opened_in_it() -> None:
    values = running([change(0, 10), change(3, 4, period=1), change(3, 100, period=0)], sum="amount")
    values.advance(2)
    values.restart(1, 3)
    assert values.values == {}
    values.advance(3)
    assert values.values == {A: MeasuredValue(4.0, 1)}


def test_a_group_is_gone_with_its_last_row_and_the_company_never_is() -> None:
    changes = [change(0, 10, key=()), change(1, -10, key=(), rows=-1)]
    company = running(changes, grouped=False, count="rows")
    company.advance(0)
    assert company.values[()].rows == 1
    company.advance(1)
    assert company.values == {(): MeasuredValue(0.0, 0)}
    team = running([change(0, 10), change(1, -10, rows=-1)], sum="amount")
    team.advance(0)
    assert list(team.advance(1)) == [A]
    assert team.values == {}


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ({"min": "amount"}, (2, 2, 4)),
        ({"max": "amount"}, (8, 8, 8)),
        ({"distinct": "amount"}, (3, 3, 2)),
        ({"percentile": {"of": "amount", "at": 0.5}}, (4, 4, 6)),
        ({"percentile": {"of": "amount", "at": 0.25}}, (3, 3.5, 5)),
    ],
)
def test_values_come_and_go(aggregate: dict[str, Any], expected: tuple[float, ...]) -> None:
    """2, 4, 8; then another 4; then neither the 2 nor one of the 4."""
    changes = [change(0, 2.0), change(0, 4.0), change(0, 8.0), change(1, 4.0), change(2, 2.0, rows=-1)]
    values = running([*changes, change(2, 4.0, rows=-1)], **aggregate)
    seen = []
    for number in range(3):
        values.advance(number)
        seen.append(values.values[A].value)
    assert seen == [pytest.approx(value) for value in expected]
