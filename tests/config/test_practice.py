"""Warnings about KPI practice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from exporter.config.loader import parse
from exporter.config.practice import greatest_step, problems, step_problem
from tests.config.minimal import KPI, config, text

TODAY = date(2026, 6, 15)
GOOD = {
    "decision": "What to do.",
    "supporting": ["won"],
    "review": "quarterly",
    "reviewed": "2026-05-01",
    "target": 5,
}


def warnings(*changes: dict[str, object]) -> list[str]:
    """The warnings about a second KPI beside a good one, by message."""
    found = problems(
        config({**GOOD, "name": "first"}, *[{**GOOD, "name": "second", **each} for each in changes]), TODAY
    )
    return [problem.message for problem in found]


def test_good_kpis_give_no_warnings() -> None:
    assert warnings({}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": None}, "no decision is named"),
        ({"supporting": []}, "no supporting metrics are named"),
        ({"review": None}, "no review is planned"),
        ({"reviewed": None}, "the date of the next review is unknown"),
        ({"reviewed": "2026-01-31"}, "the review was due on 2026-04-30"),
        ({"reviewed": "2026-06-16"}, "the last review is in the future"),
        ({"target": None}, "there is no target"),
        (
            {"target": {"from": 1, "to": 2, "start": "2026-01-01", "by": "2026-06-14"}},
            "the goal was due by 2026-06-14",
        ),
        ({"target": [{"value": 1, "since": "2026-06-16"}]}, "no target applies yet"),
        ({"target": [{"value": 1, "until": "2026-06-14"}]}, "no target applies any more"),
        (
            {"target": [{"value": 1, "team": "North", "until": "2026-06-14"}], "scopes": ["team"]},
            "no target applies any more",
        ),
    ],
)
def test_each_omission_gives_a_warning(change: dict[str, object], message: str) -> None:
    assert warnings(change) == [message]


@pytest.mark.parametrize(
    "change",
    [
        {"reviewed": "2026-03-15"},
        {"target": {"from": 1, "to": 2, "start": "2026-01-01", "by": "2026-06-15"}},
        {"target": [{"value": 1, "since": "2026-06-15"}]},
        {"target": [{"value": 1, "until": "2026-06-15"}]},
        {"target": [{"value": 1}, {"value": 2, "since": "2027-01-01"}]},
        {"target": [{"value": 1}, {"value": 2, "team": "North", "until": "2026-01-01"}], "scopes": ["company", "team"]},
    ],
)
def test_the_due_day_itself_is_in_time(change: dict[str, object]) -> None:
    assert warnings(change) == []


@pytest.mark.parametrize(("number", "message"), [(1, "1 KPI for"), (6, "6 KPIs for")])
def test_an_objective_has_two_to_five_kpis(number: int, message: str) -> None:
    kpis = [{**GOOD, "name": f"k{index}"} for index in range(number)]
    (found,) = problems(config(*kpis), TODAY)
    assert found.message.startswith(message)
    assert found.path == "objectives[0]"


@pytest.mark.parametrize("number", [2, 5])
def test_two_to_five_kpis_are_fine(number: int) -> None:
    assert problems(config(*[{**GOOD, "name": f"k{index}"} for index in range(number)]), TODAY) == ()


def test_warnings_have_lines() -> None:
    entry = ", ".join(f"{key}: {value}" for key, value in KPI.items())
    loaded = parse(text(kpis=f"kpis:\n- {{{entry}}}"), "a.yaml", Path())
    assert {problem.line for problem in problems(loaded.config, TODAY)} == {7, 9}


class TestGreatestStep:
    @pytest.mark.parametrize(
        ("growth", "finals", "greatest"),
        [
            (0.75, [100, 110, 105, 120, 118], 120 / 105 - 1),  # flat history: 75 % more has never been seen
            (0.10, [100, 110, 105, 120, 118], None),  # 14 % has
            (-0.30, [100, 90, 95, 80, 85], 80 / 95 - 1),  # so deep a fall has never been seen
            (-0.10, [100, 90, 95, 80, 85], None),
            (0.20, [100, 110, 105, 120], None),  # three steps are too few to learn from
            (0.20, [100, None, 105, 110, 120, 130], None),  # as are these, with a gap
            (0.20, [0, 100, 101, 102, 103, 104], 1 / 100),  # a step from nothing is no percentage
            (0.20, [-100, -90, -85, -84, -83], 0.1),  # a smaller loss is a step up
            (0.0, [100, 100, 100, 100, 100], None),
            (0.05, [100, 90, 80, 70, 60], -0.1),  # it has only ever fallen
        ],
    )
    def test_a_step_is_returned_only_if_growth_asks_for_more(
        self, growth: float, finals: list[float | None], greatest: float | None
    ) -> None:
        assert greatest_step(growth, finals) == (greatest if greatest is None else pytest.approx(greatest))

    def test_a_step_that_history_never_made_is_a_problem_of_the_target(self) -> None:
        kpi_config = config({"target": {"growth": "75%", "over": "previous"}})
        problem = step_problem(kpi_config, kpi_config.kpis[0], [100, 110, 105, 120, 118])
        assert problem is not None
        assert problem.path == "kpis[0].target.growth"
        assert problem.message == "no past period made a step of +75%: the greatest was +14%"

    def test_a_step_that_was_made_before_is_fine(self) -> None:
        kpi_config = config({"target": {"growth": "5%", "over": "previous"}})
        assert step_problem(kpi_config, kpi_config.kpis[0], [100, 110, 105, 120, 118]) is None

    def test_other_targets_are_not_checked(self) -> None:
        kpi_config = config({"target": 5})
        assert step_problem(kpi_config, kpi_config.kpis[0], [1, 2, 3, 4, 5]) is None
