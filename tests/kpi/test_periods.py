"""Which dates a period holds; the instants are in test_calendar."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Period
from exporter.kpi.periods import Span, before, holding, year_before

_days = st.dates(date(1971, 1, 1), date(2200, 12, 31))
_kinds = st.sampled_from(list(Period))
_weekdays, _months = st.integers(0, 6), st.integers(1, 12)


@given(_kinds, _days, _weekdays, _months)
def test_a_period_holds_its_day_and_follows_the_one_before(kind: Period, day: date, week: int, month: int) -> None:
    span = holding(kind, day, week, month)
    assert span.first <= day < span.until
    last = span.first - timedelta(days=1)
    assert before(kind, span) == holding(kind, last, week, month)
    assert before(kind, span).until == span.first


@given(_kinds, _days, _weekdays, _months)
def test_every_day_of_a_period_lies_in_the_same_one(kind: Period, day: date, week: int, month: int) -> None:
    span = holding(kind, day, week, month)
    for other in (span.first, span.until - timedelta(days=1)):
        assert holding(kind, other, week, month) == span


@given(_kinds, _days, _weekdays, _months)
def test_last_years_period_is_a_period_too(kind: Period, day: date, week: int, month: int) -> None:
    span = year_before(kind, holding(kind, day, week, month))
    assert holding(kind, span.first, week, month) == span
    assert 364 <= (holding(kind, day, week, month).first - span.first).days <= 366


@given(_days, _weekdays)
def test_a_week_starts_on_its_weekday(day: date, week: int) -> None:
    span = holding(Period.WEEK, day, week)
    assert (span.first.weekday(), span.days) == (week, 7)


@given(_days, _months)
def test_four_quarters_make_a_fiscal_year(day: date, month: int) -> None:
    year = holding(Period.YEAR, day, fiscal_month=month)
    assert (year.first.month, year.first.day) == (month, 1)
    starts, quarter = [], holding(Period.QUARTER, year.first, fiscal_month=month)
    while quarter.first < year.until:
        starts.append(quarter.first.month)
        quarter = holding(Period.QUARTER, quarter.until, fiscal_month=month)
    assert starts == [(month - 1 + 3 * n) % 12 + 1 for n in range(4)]
    assert quarter.first == year.until


def test_how_long_a_span_is() -> None:
    assert Span(date(2024, 2, 1), date(2024, 3, 1)).days == 29
    assert Span(date(2023, 2, 1), date(2023, 3, 1)).days == 28
