"""Periods as instants in the company's zone, and how much of them has passed (maths 8.3, 8.12, 8.13)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Pace, Period
from exporter.kpi import periods
from exporter.kpi.calendar import Calendar
from exporter.kpi.periods import Span
from exporter.metrics.values import Window
from tests.kpi.companies import calendar
from tests.kpi.golden import cases, close, instant, instants

_instants = instants(1971, 2036)
_zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
_kinds = st.sampled_from(list(Period))


def settings(case: dict[str, Any]) -> dict[str, Any]:
    given = {key: case[key] for key in ("week_starts", "fiscal_year_starts", "workdays", "holidays") if key in case}
    if "hours" in case:
        given["hours"] = dict(zip(("opens", "closes"), case["hours"], strict=True))
    return {"timezone": case["zone"], **given}


def local(case: dict[str, Any]) -> datetime:
    at = datetime.fromisoformat(case["at"])
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(case["zone"]))).astimezone(UTC)


@pytest.mark.parametrize("case", cases("periods"))
def test_periods_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    kept, kind = calendar(**settings(case)), Period(case["period"])
    span = kept.holding(kind, instant(case["at"]))
    assert kept.window(span) == Window(*map(instant, case["bounds"]))
    if "before" in case:
        assert kept.window(periods.before(kind, span)) == Window(*map(instant, case["before"]))
    if "year_before" in case:
        assert kept.window(periods.year_before(kind, span)) == Window(*map(instant, case["year_before"]))


@pytest.mark.parametrize("case", cases("share"))
def test_shares_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    kept, at = calendar(**settings(case)), local(case)
    span = kept.holding(Period(case["period"]), at)
    assert kept.share(span, Pace(case["pace"]), at) == close(case["share"])


@given(_zones, _kinds, _instants, st.integers(0, 6), st.integers(1, 12))
def test_periods_cover_time_without_gap_or_overlap(
    zone: str, kind: Period, at: datetime, week: int, month: int
) -> None:
    kept = Calendar(ZoneInfo(zone), lambda _: True, week_start=week, fiscal_month=month)
    span = kept.holding(kind, at)
    window = kept.window(span)
    assert window.start <= at < window.end
    assert kept.window(periods.before(kind, span)).end == window.start
    assert kept.holding(kind, window.start) == span
    assert kept.holding(kind, window.end - timedelta(microseconds=1)) == span
    assert kept.window(kept.holding(kind, window.end)).start == window.end


@given(_zones, st.dates(date(1971, 1, 1), date(2036, 1, 1)))
def test_a_day_starts_at_the_first_instant_that_shows_its_date(zone: str, day: date) -> None:
    kept = Calendar(ZoneInfo(zone), lambda _: True)
    start = kept.start_of(day)
    shown = start.astimezone(ZoneInfo(zone)).date()
    assert shown == day or start == kept.start_of(day + timedelta(days=1)), "unless the date was skipped"
    assert (start - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() < shown


@given(_zones, _kinds, st.sampled_from(list(Pace)), _instants, _instants)
def test_the_share_never_falls(zone: str, kind: Period, pace: Pace, one: datetime, other: datetime) -> None:
    kept = Calendar(ZoneInfo(zone), lambda day: day.weekday() < 5)
    span = kept.holding(kind, one)
    first, second = sorted((one, other))
    assert 0 <= kept.share(span, pace, first) <= kept.share(span, pace, second) <= 1


@given(_zones, _kinds, _instants)
def test_a_span_fills_from_nothing_to_all(zone: str, kind: Period, at: datetime) -> None:
    kept = Calendar(ZoneInfo(zone), lambda _: True)
    window = kept.window(kept.holding(kind, at))
    span = kept.holding(kind, at)
    assert kept.share(span, Pace.LINEAR, window.start) == 0
    assert kept.share(span, Pace.LINEAR, window.end) == 1
    assert kept.share(span, Pace.LINEAR, at) < 1


def test_a_window_may_stop_at_an_instant() -> None:
    kept, at = calendar(), datetime(2021, 2, 10, 12, tzinfo=UTC)
    assert kept.window(kept.holding(Period.MONTH, at), at) == Window(datetime(2021, 1, 31, 23, tzinfo=UTC), at)


def test_what_dates_weigh() -> None:
    kept = calendar(holidays={"dates": ["2021-02-03"]})
    week = Span(date(2021, 2, 1), date(2021, 2, 8))
    assert kept.weights(week, Pace.WORKDAYS) == (1, 1, 0, 1, 1, 0, 0)
    assert kept.weights(week, Pace.LINEAR) == (1,) * 7
    weekend = Span(date(2021, 2, 6), date(2021, 2, 8))
    assert kept.weights(weekend, Pace.WORKDAYS) == (1, 1)
