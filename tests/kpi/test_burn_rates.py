"""Burn rates: an example by hand, and what has none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.kpi.burn_rates import BurnRates, burn_rate
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.signals import BurnRate
from exporter.kpi.values import Freshness
from exporter.metrics.values import Answers, Group, MeasuredValue, Question
from tests.kpi.configs import config_of, kpi

NOW = datetime(2026, 10, 21, 12, tzinfo=ZoneInfo("Europe/Zurich"))
COMPANY = {"workdays": ["mon", "tue", "wed", "thu", "fri"], "hours": {"opens": "08:00", "closes": "18:00"}}
SLACK = [{"spent": "5%", "within": "4h"}]


def rates(
    counts: dict[timedelta, tuple[int, int]],
    freshness: Freshness | None = None,
    held_out: int = 0,
    now: datetime = NOW,
    **changes: Any,
) -> dict[str, BurnRate]:
    """The burn rates by window, from the (good, all) events of windows by their lengths."""
    alerts = {"alerts": {"slack": SLACK}}
    config = config_of(kpi(value="won / closed", unit="ratio", **{"target": 0.8, **alerts, **changes}), **COMPANY)
    evaluator = KpiEvaluator(config)
    subject = BurnRates(evaluator.calendar)
    known = {name: freshness or Freshness(now) for name in ("won", "closed")}
    prepared = evaluator.prepare(known, now)
    windows = subject.windows(prepared.periods)

    def measured(question: Question) -> MeasuredValue:
        good, total = counts.get(question.window.end - question.window.start, (80, 100))
        return MeasuredValue(float(good if question.metric == "won" else total), total, held_out)

    asked = {*prepared.questions, *(question for window in windows for question in window.questions)}
    answers: Answers = {question: {Group(): measured(question)} for question in asked}
    evaluation, _ = evaluator.conclude(prepared, answers, None)
    return {rate.window: rate for rate in subject.rates(windows, answers, evaluation.kpis)}


def test_an_example_by_hand() -> None:
    """October 2026 has 22 workdays of ten hours: 220 opening hours.

    Of 100 events 80 have to be good, so 20 may be bad. In the last four hours, since eight o'clock, 40 of 100 were
    bad: twice as many. At that rate the slack of October is spent in 110 hours. 5 % of it within four hours would be a
    rate of 0.05 * 220 / 4 = 2.75. In the last 20 minutes 9 of 10 were bad: 4.5 times as many.
    """
    found = rates({timedelta(hours=4): (60, 100), timedelta(minutes=20): (1, 10)})
    assert found["4h"].rate == pytest.approx(2)
    assert found["4h"].limit == pytest.approx(2.75)
    assert found["20m"].rate == pytest.approx(4.5)
    assert found["20m"].limit is None


@pytest.mark.parametrize(
    ("better", "value", "target", "rate"),
    [
        ("higher", 0.8, 0.8, 1),
        ("higher", 1.0, 0.8, 0),
        ("higher", 0.0, 0.8, 5),
        ("lower", 0.1, 0.05, 2),
        ("lower", 0, 0.05, 0),
    ],
)
def test_the_rate_is_what_missed_by_what_may_miss(better: str, value: float, target: float, rate: float) -> None:
    config = config_of(kpi(value="won / closed", unit="ratio", better=better, target=target))
    assert burn_rate(config.kpis[0], value, target) == pytest.approx(rate)


def test_a_long_window_with_too_few_events_and_one_without_any_have_no_rate() -> None:
    assert set(rates({timedelta(hours=4): (0, 19)})) == {"20m"}
    assert set(rates({timedelta(hours=4): (0, 20)})) == {"4h", "20m"}
    assert set(rates({timedelta(hours=4): (0, 19)}, min_sample=5)) == {"4h", "20m"}
    assert set(rates({timedelta(minutes=20): (0, 0)})) == {"4h"}


def test_there_is_no_rate_while_a_source_is_silent_or_most_records_cannot_be_used() -> None:
    assert rates({}, Freshness(None)) == {}
    assert rates({}, Freshness(NOW - timedelta(hours=5), stale=True)) == {}
    assert rates({}, held_out=101) == {}


def test_records_without_a_place_in_time_count_as_unused() -> None:
    """Of ten records six have a place in time: with 4 of 5 of those, 0.6 * 0.8 = 0.48 of all are used, too few."""
    dated = Freshness(NOW, records=10, undated=4)
    assert set(rates({}, dated)) == {"4h", "20m"}
    assert rates({}, dated, held_out=25) == {}


def test_a_period_without_opening_hours_has_no_slack_to_spend() -> None:
    """Sunday, at noon. The week has 50 opening hours: 5 % of its slack within four hours are 0.05 * 50 / 4."""
    sunday = NOW + timedelta(days=4)
    assert rates({}, now=sunday, period="day", pace="none") == {}
    assert rates({}, now=sunday, period="week", pace="none")["4h"].limit == pytest.approx(0.625)


def test_there_is_no_rate_without_a_target_in_force_and_none_without_a_rule() -> None:
    assert rates({}, target=[{"value": 0.8, "since": "2027-01-01"}]) == {}
    assert rates({}, alerts={}) == {}


def test_windows_of_several_rules_may_meet() -> None:
    both = [{"spent": "1%", "within": "20m"}, {"spent": "5%", "within": "4h"}]
    found = rates({}, alerts={"slack": both})
    assert set(found) == {"100s", "20m", "4h"}
    assert found["20m"].limit == pytest.approx(0.01 * 220 * 3)
