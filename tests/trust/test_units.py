"""What a number is measured in: money of several currencies, calendar days, and points."""

from __future__ import annotations

import re

import pytest

from tests.trust.company import Company


def test_amounts_are_compared_in_the_companys_currency(company: Company) -> None:
    company.settings["rates"] = {"EUR": 0.95, "GBP": 1.2, "JPY": 0.006}
    amounts = [
        (1, 1200, "CHF"),
        (2, 900, "GBP"),  # CHF 1,080
        (3, 1020, "EUR"),  # CHF 969
        (4, 150_000, "JPY"),  # CHF 900
        (5, 999, "CHF"),
    ]
    won = ("won", "2021-01-04T10:00", "2021-02-03T10:00")
    company.sheet("deals", "id amount currency status created_at closed_at", [(*amount, *won) for amount in amounts])
    company.metric("large", "deals", where={"status": "won", "amount": {"gte": 1000}}, at="closed_at", sum="amount")
    company.metric(
        "large_open", "deals", where={"amount": {"gte": 1000}}, during={"from": "created_at", "until": "closed_at"}
    )
    company.kpi("large_deals", "large", target=2000)
    company.kpi("large_open_deals", "large_open", target=2)
    assert company.value("large_deals", "2021-02-28T12:00") == pytest.approx(1200 + 1080)
    assert company.value("large_open_deals", "2021-01-31T12:00") == 2


def test_from_one_day_to_another_are_calendar_days(company: Company) -> None:
    # clocks go forward on 28 March and back on 31 October
    days = [("2021-03-27", "2021-03-29"), ("2021-10-30", "2021-11-01")]
    company.sheet("tickets", "id status created_at solved_at", [(n, "solved", *span) for n, span in enumerate(days)])
    company.metric("time_to_solve", "tickets", at="solved_at", mean="solved_at - created_at")
    company.kpi("solving", "time_to_solve", better="lower", target=172_800)
    assert company.value("solving", "2021-03-31T12:00") == 2 * 86_400
    assert company.value("solving", "2021-11-30T12:00") == 2 * 86_400


@pytest.fixture
def surveyed(company: Company) -> Company:
    """Fifty answers to "would you recommend us": 28 promoters, 7 detractors, so a score of 42."""
    scores = [10] * 28 + [8] * 15 + [3] * 7
    rows = [(n, "nps", score, 10, "2021-02-03T10:00") for n, score in enumerate(scores)]
    company.sheet("surveys", "id kind score scale_max answered_at", rows)
    company.metric("answers", "surveys", where={"kind": "nps"}, at="answered_at")
    company.metric("promoters", "surveys", where={"kind": "nps", "score": {"gte": 9}}, at="answered_at")
    company.metric("detractors", "surveys", where={"kind": "nps", "score": {"lte": 6}}, at="answered_at")
    return company


NPS = "100 * (promoters - detractors) / answers"


def test_a_figure_without_a_unit_is_no_percentage(surveyed: Company) -> None:
    surveyed.kpi("recommendation", NPS, target=40)
    shown = surveyed.run("values", "--at", "2021-02-28T12:00").out
    assert "%" not in shown
    assert re.search(r"company +2021-02-01 +42\b", shown)


def test_a_recommendation_score_is_in_points(surveyed: Company) -> None:
    surveyed.kpi("recommendation", NPS, unit="points", target=40)
    assert surveyed.value("recommendation", "2021-02-28T12:00") == pytest.approx(42)
    assert re.search(r"company +2021-02-01 +42 pts\b", surveyed.run("values", "--at", "2021-02-28T12:00").out)
