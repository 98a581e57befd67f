"""Periods as instants in the company's zone, and the share of them that has elapsed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Pace, Period
from exporter.errors import EvaluationError
from exporter.kpi.calendar import (
    Calendar,
    DateSpan,
    period_name,
    period_of,
    previous_period,
    same_period_last_year,
    workdays,
)
from exporter.metrics.values import Window
from tests.kpi.configs import calendar_of, company_of
from tests.kpi.golden import cases, close, instant, instants

_days = st.dates(date(1971, 1, 1), date(2200, 12, 31))
_kinds = st.sampled_from(list(Period))
_weekdays, _months = st.integers(0, 6), st.integers(1, 12)


@given(_kinds, _days, _weekdays, _months)
def test_a_period_contains_its_day_and_follows_the_previous_one(kind: Period, day: date, week: int, month: int) -> None:
    span = period_of(kind, day, week, month)
    assert span.first <= day < span.until
    last = span.first - timedelta(days=1)
    assert previous_period(kind, span) == period_of(kind, last, week, month)
    assert previous_period(kind, span).until == span.first


@given(_kinds, _days, _weekdays, _months)
def test_every_day_of_a_period_is_in_that_period(kind: Period, day: date, week: int, month: int) -> None:
    span = period_of(kind, day, week, month)
    for last in (span.first, span.until - timedelta(days=1)):
        assert period_of(kind, last, week, month) == span


@given(_kinds, _days, _weekdays, _months)
def test_the_same_period_of_last_year_is_a_whole_period(kind: Period, day: date, week: int, month: int) -> None:
    span = same_period_last_year(kind, period_of(kind, day, week, month))
    assert period_of(kind, span.first, week, month) == span
    assert 364 <= (period_of(kind, day, week, month).first - span.first).days <= 366


@given(_days, _weekdays)
def test_a_week_starts_on_its_weekday(day: date, week: int) -> None:
    span = period_of(Period.WEEK, day, week)
    assert (span.first.weekday(), span.days) == (week, 7)


@given(_days, _months)
def test_four_quarters_make_a_fiscal_year(day: date, month: int) -> None:
    year = period_of(Period.YEAR, day, fiscal_month=month)
    assert (year.first.month, year.first.day) == (month, 1)
    starts, quarter = [], period_of(Period.QUARTER, year.first, fiscal_month=month)
    while quarter.first < year.until:
        starts.append(quarter.first.month)
        quarter = period_of(Period.QUARTER, quarter.until, fiscal_month=month)
    assert starts == [(month - 1 + 3 * n) % 12 + 1 for n in range(4)]
    assert quarter.first == year.until


def test_a_span_knows_its_number_of_days() -> None:
    assert DateSpan(date(2024, 2, 1), date(2024, 3, 1)).days == 29
    assert DateSpan(date(2023, 2, 1), date(2023, 3, 1)).days == 28


def test_monday_to_friday_are_workdays_by_default() -> None:
    works = workdays(company_of())
    assert [works(date(2021, 2, day)) for day in range(1, 8)] == [True] * 5 + [False] * 2


def test_configured_weekdays_are_workdays() -> None:
    works = workdays(company_of(workdays=["sun", "mon"]))
    assert [works(date(2021, 2, day)) for day in range(1, 8)] == [True] + [False] * 5 + [True]


def test_public_holidays_of_any_year_are_not_workdays() -> None:
    works = workdays(company_of(holidays={"country": "US"}))
    assert not works(date(2017, 7, 4))
    assert not works(date(2024, 7, 4))
    assert works(date(2024, 7, 5))


def test_a_holiday_may_apply_to_a_part_of_the_country_only() -> None:
    epiphany = date(2021, 1, 6)
    assert workdays(company_of(holidays={"country": "CH"}))(epiphany)
    assert not workdays(company_of(holidays={"country": "CH", "subdivision": "TI"}))(epiphany)


def test_listed_dates_are_not_workdays() -> None:
    works = workdays(company_of(holidays={"dates": ["2021-02-01"]}))
    assert not works(date(2021, 2, 1))
    assert works(date(2022, 2, 1))


@pytest.mark.parametrize("holidays", [{"country": "XX"}, {"country": "CH", "subdivision": "QQ"}])
def test_an_unknown_country_or_subdivision_is_named(holidays: dict[str, str]) -> None:
    with pytest.raises(EvaluationError, match=r"company\.holidays: .*(XX|QQ)"):
        workdays(company_of(holidays=holidays))


_instants = instants(1971, 2036)
_zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))


def settings(case: dict[str, Any]) -> dict[str, Any]:
    given = {key: case[key] for key in ("week_starts", "fiscal_year_starts", "workdays", "holidays") if key in case}
    if "hours" in case:
        given["hours"] = dict(zip(("opens", "closes"), case["hours"], strict=True))
    return {"timezone": case["zone"], **given}


def local(case: dict[str, Any]) -> datetime:
    at = datetime.fromisoformat(case["at"])
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(case["zone"]))).astimezone(UTC)


@pytest.mark.parametrize("case", cases("periods"))
def test_periods_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    calendar, kind = calendar_of(**settings(case)), Period(case["period"])
    span = calendar.period_of(kind, instant(case["at"]))
    assert calendar.window(span) == Window(*map(instant, case["bounds"]))
    if "before" in case:
        assert calendar.window(previous_period(kind, span)) == Window(*map(instant, case["before"]))
    if "year_before" in case:
        assert calendar.window(same_period_last_year(kind, span)) == Window(*map(instant, case["year_before"]))


@pytest.mark.parametrize("case", cases("share"))
def test_elapsed_shares_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    calendar, at = calendar_of(**settings(case)), local(case)
    span = calendar.period_of(Period(case["period"]), at)
    assert calendar.share(span, Pace(case["pace"]), at) == close(case["share"])


@given(_zones, _kinds, _instants, st.integers(0, 6), st.integers(1, 12))
def test_periods_cover_time_without_gap_or_overlap(
    zone: str, kind: Period, at: datetime, week: int, month: int
) -> None:
    calendar = Calendar(ZoneInfo(zone), lambda _: True, week_start=week, fiscal_month=month)
    span = calendar.period_of(kind, at)
    window = calendar.window(span)
    assert window.start <= at < window.end
    assert calendar.window(previous_period(kind, span)).end == window.start
    assert calendar.period_of(kind, window.start) == span
    assert calendar.period_of(kind, window.end - timedelta(microseconds=1)) == span
    assert calendar.window(calendar.period_of(kind, window.end)).start == window.end


@given(_zones, st.dates(date(1971, 1, 1), date(2036, 1, 1)))
def test_a_day_starts_at_the_first_instant_that_shows_its_date(zone: str, day: date) -> None:
    calendar = Calendar(ZoneInfo(zone), lambda _: True)
    start = calendar.start_of(day)
    shown = start.astimezone(ZoneInfo(zone)).date()
    assert shown == day or start == calendar.start_of(day + timedelta(days=1)), "unless the date was skipped"
    assert (start - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() < shown


@given(_zones, _kinds, st.sampled_from(list(Pace)), _instants, _instants)
def test_the_elapsed_share_never_decreases(
    zone: str, kind: Period, pace: Pace, first_instant: datetime, last: datetime
) -> None:
    calendar = Calendar(ZoneInfo(zone), lambda day: day.weekday() < 5)
    span = calendar.period_of(kind, first_instant)
    first, second = sorted((first_instant, last))
    assert 0 <= calendar.share(span, pace, first) <= calendar.share(span, pace, second) <= 1


@given(_zones, _kinds, _instants)
def test_the_elapsed_share_goes_from_zero_to_one(zone: str, kind: Period, at: datetime) -> None:
    calendar = Calendar(ZoneInfo(zone), lambda _: True)
    window = calendar.window(calendar.period_of(kind, at))
    span = calendar.period_of(kind, at)
    assert calendar.share(span, Pace.LINEAR, window.start) == 0
    assert calendar.share(span, Pace.LINEAR, window.end) == 1
    assert calendar.share(span, Pace.LINEAR, at) < 1


def test_a_window_can_end_at_an_instant() -> None:
    calendar, at = calendar_of(), datetime(2021, 2, 10, 12, tzinfo=UTC)
    assert calendar.window(calendar.period_of(Period.MONTH, at), at) == Window(
        datetime(2021, 1, 31, 23, tzinfo=UTC), at
    )


def test_dates_are_weighted_by_workdays() -> None:
    calendar = calendar_of(holidays={"dates": ["2021-02-03"]})
    week = DateSpan(date(2021, 2, 1), date(2021, 2, 8))
    assert calendar.weights(week, Pace.WORKDAYS) == (1, 1, 0, 1, 1, 0, 0)
    assert calendar.weights(week, Pace.LINEAR) == (1,) * 7
    weekend = DateSpan(date(2021, 2, 6), date(2021, 2, 8))
    assert calendar.weights(weekend, Pace.WORKDAYS) == (1, 1)


def test_a_span_without_a_workday_is_a_day_off_by_pace_of_workdays_alone() -> None:
    calendar = calendar_of(holidays={"dates": ["2021-02-03"]})
    saturday, weekend = DateSpan(date(2021, 2, 6), date(2021, 2, 7)), DateSpan(date(2021, 2, 6), date(2021, 2, 8))
    until_monday, holiday = DateSpan(date(2021, 2, 6), date(2021, 2, 9)), DateSpan(date(2021, 2, 3), date(2021, 2, 4))
    spans = (saturday, weekend, holiday, until_monday)
    assert [calendar.is_day_off(span, Pace.WORKDAYS) for span in spans] == [True, True, True, False]
    assert not calendar.is_day_off(saturday, Pace.LINEAR)
    assert not calendar.is_day_off(saturday, Pace.NONE)


@pytest.mark.parametrize(
    ("period", "day", "fiscal_month", "name"),
    [
        (Period.DAY, date(2026, 10, 31), 1, "2026-10-31"),
        (Period.WEEK, date(2026, 10, 31), 1, "2026-W44"),
        (Period.WEEK, date(2027, 1, 1), 1, "2026-W53"),
        (Period.MONTH, date(2026, 10, 31), 7, "2026-10"),
        (Period.QUARTER, date(2026, 10, 31), 1, "2026-Q4"),
        (Period.YEAR, date(2026, 10, 31), 1, "2026"),
        (Period.QUARTER, date(2026, 10, 31), 7, "FY2026-27-Q2"),
        (Period.QUARTER, date(2027, 3, 31), 7, "FY2026-27-Q3"),
        (Period.YEAR, date(2027, 3, 31), 7, "FY2026-27"),
    ],
)
def test_a_period_has_a_name(period: Period, day: date, fiscal_month: int, name: str) -> None:
    assert period_name(period, period_of(period, day, 0, fiscal_month), fiscal_month) == name


@pytest.mark.parametrize(
    ("at", "kind", "pace", "amount", "unit"),
    [
        # October 2026 has 22 workdays; after noon of Wednesday 28 half of it, Thursday and Friday are left
        ("2026-10-28T12:00", Period.MONTH, Pace.WORKDAYS, 2.5, "workdays"),
        ("2026-10-31T12:00", Period.MONTH, Pace.WORKDAYS, 0, "workdays"),
        ("2026-10-28T12:00", Period.MONTH, Pace.NONE, 2.5, "workdays"),
        ("2026-10-28T12:00", Period.MONTH, Pace.LINEAR, 3.5, "days"),
        ("2026-10-28T15:00", Period.DAY, Pace.WORKDAYS, 3, "opening hours"),
        ("2026-10-28T20:00", Period.DAY, Pace.NONE, 0, "opening hours"),
        ("2026-10-28T20:00", Period.DAY, Pace.LINEAR, 4, "hours"),
        ("2026-10-25T02:30", Period.DAY, Pace.LINEAR, 22.5, "hours"),  # 25 hours: the clocks go back at three
        ("2026-10-31T12:00", Period.DAY, Pace.WORKDAYS, 12, "hours"),  # a Saturday
    ],
)
def test_the_time_left_is_counted_as_the_company_works(
    at: str, kind: Period, pace: Pace, amount: float, unit: str
) -> None:
    hours = {"opens": "06:00", "closes": "18:00"}
    weekdays = ["mon", "tue", "wed", "thu", "fri"]
    calendar = calendar_of(timezone="Europe/Zurich", workdays=weekdays, hours=hours)
    instant_ = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Zurich")).astimezone(UTC)
    assert calendar.left(calendar.period_of(kind, instant_), pace, instant_) == (close(amount), unit)


def test_without_named_workdays_and_without_a_pace_days_are_left() -> None:
    calendar = calendar_of()
    span = DateSpan(date(2026, 10, 1), date(2026, 11, 1))
    assert calendar.left(span, Pace.NONE, calendar.start_of(date(2026, 10, 30))) == (close(2), "days")
