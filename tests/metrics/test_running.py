"""Running aggregates."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.metrics.running import aggregate_of, interpolated
from exporter.metrics.values import MeasuredValue
from tests.metrics.queries import metric
from tests.metrics.stores import config_of


def running(**keys: Any) -> Any:
    return aggregate_of(config_of(metric(entity="deals", at="closed_at", **keys)).metrics[0], 10)()


@pytest.mark.parametrize(
    ("keys", "numbers"),
    [
        ({"count": "rows"}, [1, 2, 1]),
        ({"sum": "amount"}, [2, 7, 5]),
        ({"mean": "amount"}, [2, 3.5, 5]),
        ({"min": "amount"}, [20, 20, 50]),
        ({"max": "amount"}, [20, 50, 50]),
        ({"percentile": {"of": "amount", "at": 0.5}}, [20, 35, 50]),
        ({"distinct": "amount"}, [1, 2, 1]),
    ],
)
def test_rows_are_added_and_removed(keys: dict[str, Any], numbers: list[float]) -> None:
    """20 comes, 50 comes, 20 goes; sums are in tenths."""
    result = running(**keys)
    results = []
    for value, sign in ((20, 1), (50, 1), (20, -1)):
        result.change(value, sign)
        results.append(result.measured().value)
    assert results == numbers


@pytest.mark.parametrize("keys", [{"sum": "amount"}, {"max": "amount"}])
def test_held_out_amounts_are_counted_separately(keys: dict[str, Any]) -> None:
    result = running(**keys)
    result.change(None, 1)
    assert result.measured() == MeasuredValue(None, 0, 1)
    result.change(50, 1)
    assert (result.measured().rows, result.measured().held_out) == (1, 1)
    result.change(None, -1)
    assert result.measured().held_out == 0


def test_a_percentile_lies_between_its_neighbours() -> None:
    assert [interpolated([1.0, 2.0, 4.0], share) for share in (0.25, 0.5, 0.75)] == [1.5, 2.0, 3.0]
    assert interpolated([7.0], 0.9) == 7.0
