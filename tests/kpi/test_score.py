"""Objective scores (maths 8.7)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.kpi.score import Child, score
from tests.kpi.golden import cases, close

_children = st.builds(Child, st.floats(0.1, 100), st.none() | st.floats(-10, 10))


@pytest.mark.parametrize("case", cases("score"))
def test_scores_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    found = score("growth", [Child(*child) for child in case["children"]])
    assert found.objective == "growth"
    assert found.score == close(case["score"])
    assert found.coverage == close(case["coverage"])


@given(st.lists(_children, max_size=8))
def test_a_score_lies_between_its_worst_and_best_child(children: list[Child]) -> None:
    found = score("growth", children)
    ratios = [min(max(child.ratio, 0.0), 1.0) for child in children if child.ratio is not None]
    assert 0 <= found.coverage <= 1 + 1e-12
    assert (found.score is None) is (found.coverage < 0.5 or not ratios)
    if found.score is not None:
        assert min(ratios) - 1e-9 <= found.score <= max(ratios) + 1e-9
