"""Values that are added up from window to window, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.metrics.bounds import WindowPosition
from exporter.metrics.running_values import Changes, GroupKey, RunningValues
from exporter.metrics.runs import Run
from exporter.metrics.values import MeasuredValue, Window
from tests.metrics.queries import metric
from tests.metrics.stores import at, config_of

A, B = ("North",), ("South",)
WINDOW = Window(at("2024-03-01"), at("2024-04-01"))


def runs(
    changes: list[tuple[Any, ...]], positions: list[WindowPosition], *, grouped: bool = True, **keys: Any
) -> dict[GroupKey, list[Run[MeasuredValue]]]:
    (only,) = config_of(metric(entity="deals", at="closed_at", **keys)).metrics
    values = RunningValues(only, Changes(*zip(*changes, strict=True)), grouped=grouped)
    return values.runs(positions, len(positions))


def position(step: int, *, period: int = 0, first: int = 0) -> WindowPosition:
    """The window of a step that ends with the number of the step."""
    return WindowPosition(period, first, step, 0, WINDOW, step)


def change(number: int, value: object, *, key: tuple[str, ...] = A, rows: int = 1, period: int = 0) -> tuple[Any, ...]:
    return number, period, key, rows, value, rows, 0


def test_a_sum_grows_from_window_to_window() -> None:
    changes = [change(0, 10), change(0, 5, key=B), change(2, 7)]
    assert runs(changes, [position(0), position(1), position(2)], sum="amount") == {
        A: [(0, 2, MeasuredValue(10.0, 1)), (2, 3, MeasuredValue(17.0, 2))],
        B: [(0, 3, MeasuredValue(5.0, 1))],
    }


def test_a_new_period_begins_at_its_first_end_and_counts_only_what_opened_in_it() -> None:
    changes = [change(0, 10), change(3, 4, period=1), change(3, 100, period=0)]
    positions = [position(0), position(1), position(2, period=1, first=2), position(3, period=1, first=2)]
    assert runs(changes, positions, sum="amount") == {
        A: [(0, 2, MeasuredValue(10.0, 1)), (3, 4, MeasuredValue(4.0, 1))]
    }


def test_a_group_is_gone_with_its_last_row_and_the_company_never_is() -> None:
    """What is left of a sum of fractions that were taken away again is no number."""
    changes = [change(0, 0.1, key=()), change(0, 0.2, key=()), change(1, -0.1, key=(), rows=-1)]
    changes += [change(1, -0.2, key=(), rows=-1), change(2, 5.0, key=())]
    positions = [position(0), position(1), position(2)]
    ((_, _, both), none, last) = runs(changes, positions, grouped=False, sum="amount")[()]
    assert both == MeasuredValue(pytest.approx(0.3), 2)
    assert (none, last) == ((1, 2, MeasuredValue(0.0, 0)), (2, 3, MeasuredValue(5.0, 1)))
    team = [change(0, 10), change(1, -10, rows=-1), change(2, 5.0)]
    assert runs(team, positions, sum="amount") == {A: [(0, 1, MeasuredValue(10.0, 1)), (2, 3, MeasuredValue(5.0, 1))]}


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
    result = runs([*changes, change(2, 4.0, rows=-1)], [position(0), position(1), position(2)], **aggregate)[A]
    assert [measured.value for _, _, measured in result] == [pytest.approx(value) for value in expected]
