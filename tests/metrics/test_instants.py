"""Many windows in one query: the same answers as one window at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config.fields import Scope
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.instants import answer_windows, numbered_sets
from exporter.metrics.values import MeasuredValue, Window
from tests.metrics.oracle import same_values
from tests.metrics.stores import at, store_of
from tests.metrics.test_oracle import CONFIG, PEOPLE, deal, questions, windows


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(deal, max_size=25), st.lists(windows, min_size=1, max_size=6))
def test_many_windows_give_the_answers_of_single_windows(deals: list[dict[str, Any]], asked: list[Window]) -> None:
    store = store_of(deals=deals, people=PEOPLE)
    everything = [question for window in asked for question in questions(window)]
    expected = answer_questions(store, CONFIG, everything).answers
    result = answer_windows(store, CONFIG, everything)
    assert not result.failed
    assert result.answers.keys() == expected.keys()
    for question in everything:
        assert same_values(result.answers[question], expected[question]), question


def test_a_deal_that_was_closed_before_it_was_created_is_never_open() -> None:
    start = at("2024-03-20")
    created, closed = start + timedelta(hours=2), start + timedelta(hours=1)
    deals = [{"owner": "1", "status": "won", "created_at": created, "closed_at": closed}]
    asked = [question for end in (start, closed, created) for question in questions(Window(start, end))]
    answers = answer_windows(store_of(deals=deals, people=PEOPLE), CONFIG, asked).answers
    totals = [question for question in asked if question.metric == "lost" and question.scope is Scope.COMPANY]
    assert len(totals) >= 3
    assert {value for question in totals for value in answers[question].values()} == {MeasuredValue(0.0)}


def test_windows_of_one_period_that_overlap_another_are_in_another_set() -> None:
    january, february, march = (at(f"2024-0{month}-01") for month in (1, 2, 3))
    middle = at("2024-01-15")
    asked = [Window(january, middle), Window(january, february), Window(middle, february), Window(february, march)]
    assert list(numbered_sets(asked, level=False)) == [
        [(0, 0, asked[0]), (1, 0, asked[1]), (2, 1, asked[3])],
        [(0, 0, asked[2])],
    ]
