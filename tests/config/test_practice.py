"""Advice on good KPI practice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from exporter.config.loader import parse
from exporter.config.practice import problems, step_problem, unseen_step
from tests.config.minimal import KPI, config, text

TODAY = date(2026, 6, 15)
GOOD = {
    "decision": "What to do.",
    "supporting": ["won"],
    "review": "quarterly",
    "reviewed": "2026-05-01",
    "target": 5,
}


def advice(*changes: dict[str, object]) -> list[str]:
    """The advice on a second KPI beside a good one, by message."""
    found = problems(
        config({**GOOD, "name": "first"}, *[{**GOOD, "name": "second", **each} for each in changes]), TODAY
    )
    return [problem.message for problem in found]


def test_good_kpis_need_none() -> None:
    assert advice({}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": None}, "no decision is named"),
        ({"supporting": []}, "no supporting metrics are named"),
        ({"review": None}, "no review is planned"),
        ({"reviewed": None}, "nobody can tell when the next review is due"),
        ({"reviewed": "2026-01-31"}, "the review was due on 2026-04-30"),
        ({"reviewed": "2026-06-16"}, "the last review lies in the future"),
        ({"target": None}, "there is no target"),
        (
            {"target": {"from": 1, "to": 2, "start": "2026-01-01", "by": "2026-06-14"}},
            "the goal was to be reached by 2026-06-14",
        ),
        ({"target": [{"value": 1, "since": "2026-06-16"}]}, "no target holds yet"),
        ({"target": [{"value": 1, "until": "2026-06-14"}]}, "no target holds any more"),
        (
            {"target": [{"value": 1, "team": "North", "until": "2026-06-14"}], "scopes": ["team"]},
            "no target holds any more",
        ),
    ],
)
def test_each_fault_has_its_advice(change: dict[str, object], message: str) -> None:
    assert advice(change) == [message]


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
def test_the_day_itself_is_in_time(change: dict[str, object]) -> None:
    assert advice(change) == []


@pytest.mark.parametrize(("number", "words"), [(1, "1 KPI for"), (6, "6 KPIs for")])
def test_an_objective_has_two_to_five_kpis(number: int, words: str) -> None:
    kpis = [{**GOOD, "name": f"k{place}"} for place in range(number)]
    (found,) = problems(config(*kpis), TODAY)
    assert found.message.startswith(words)
    assert found.path == "objectives[0]"


@pytest.mark.parametrize("number", [2, 5])
def test_that_many_are_fine(number: int) -> None:
    assert problems(config(*[{**GOOD, "name": f"k{place}"} for place in range(number)]), TODAY) == ()


def test_advice_has_its_line() -> None:
    entry = ", ".join(f"{key}: {value}" for key, value in KPI.items())
    loaded = parse(text(kpis=f"kpis:\n- {{{entry}}}"), "a.yaml", Path())
    assert {problem.line for problem in problems(loaded.config, TODAY)} == {7, 9}


class TestUnseenStep:
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
    def test_history_says_what_is_credible(
        self, growth: float, finals: list[float | None], greatest: float | None
    ) -> None:
        assert unseen_step(growth, finals) == (greatest if greatest is None else pytest.approx(greatest))

    def test_it_becomes_a_problem_of_the_target(self) -> None:
        asked = config({"target": {"growth": "75%", "over": "previous"}})
        problem = step_problem(asked, asked.kpis[0], [100, 110, 105, 120, 118])
        assert problem is not None
        assert problem.path == "kpis[0].target.growth"
        assert problem.message == "a step of +75% has never been made: the greatest was +14%"

    def test_what_has_been_seen_is_no_problem(self) -> None:
        asked = config({"target": {"growth": "5%", "over": "previous"}})
        assert step_problem(asked, asked.kpis[0], [100, 110, 105, 120, 118]) is None

    def test_other_targets_ask_for_no_step(self) -> None:
        asked = config({"target": 5})
        assert step_problem(asked, asked.kpis[0], [1, 2, 3, 4, 5]) is None
