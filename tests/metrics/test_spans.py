"""The time between two instants of a row: days between dates, the exact time between anything else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.metrics.evaluate import answer_questions
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.values import Group, Question, Window, local_midnight
from tests.metrics.stores import at, config_of, store_of

DAY = 86400
EVER = Window(at("2000-01-01"), at("2040-01-01"))
METRIC = {"name": "m", "entity": "deals", "at": "created_at", "mean": "closed_at - created_at"}
ZONES = ("Europe/Zurich", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Beirut")


def _date(text: str, zone: str = "Europe/Zurich") -> datetime:
    """What a date without a time is stored as."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _span(created_at: datetime, closed_at: datetime, zone: str = "Europe/Zurich", window: Window = EVER) -> Any:
    """The seconds from one to the other, which both ways of asking agree on."""
    config = config_of(METRIC, company={"timezone": zone})
    store = store_of(deals=[{"created_at": created_at, "closed_at": closed_at}])
    question = Question("m", window)
    single = answer_questions(store, config, [question])
    value = single.answers[question][Group()].value
    assert not single.failed
    assert HistoryQueries(store, config).ask([question])[question][Group()].value == value
    return value


@pytest.mark.parametrize(
    ("zone", "first", "last", "days"),
    [
        ("Europe/Zurich", "2025-03-01", "2025-04-01", 31),  # 30 days and 23 hours
        ("Europe/Zurich", "2025-10-01", "2025-11-01", 31),  # 31 days and 1 hour
        ("Europe/Zurich", "2025-03-30", "2025-03-31", 1),
        ("Europe/Zurich", "2025-01-01", "2026-01-01", 365),
        ("Europe/Zurich", "2025-04-01", "2025-03-01", -31),
        ("Europe/Zurich", "2025-03-30", "2025-03-30", 0),
        ("America/Sao_Paulo", "2018-11-01", "2018-11-04", 3),  # 4 November starts at 01:00
        ("America/Sao_Paulo", "2018-11-04", "2018-11-05", 1),
        ("America/Havana", "2024-11-03", "2024-11-04", 1),  # 3 November has two midnights
        ("Australia/Lord_Howe", "2024-10-01", "2024-11-01", 31),  # clocks move by half an hour
        ("Asia/Kolkata", "2025-03-01", "2025-04-01", 31),
    ],
)
def test_the_time_between_two_dates_is_a_number_of_days(zone: str, first: str, last: str, days: int) -> None:
    assert _span(_date(first, zone), _date(last, zone), zone) == days * DAY


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        ("2025-03-30", "2025-03-31T12:00", 35),  # 30 March has 23 hours
        ("2025-03-29T12:00", "2025-03-31", 35),
        ("2025-03-29T12:00", "2025-03-30T12:00", 23),
        ("2025-10-25T12:00", "2025-10-26T12:00", 25),
        ("2025-03-01T01:00", "2025-04-01T01:00", 31 * 24 - 1),
        ("2025-03-01T01:00", "2025-04-01", 31 * 24 - 2),
    ],
)
def test_a_time_of_day_at_either_end_makes_the_span_exact(first: str, last: str, hours: int) -> None:
    assert _span(_date(first), _date(last)) == hours * 3600


@pytest.mark.parametrize("microseconds", [-1, 1])
def test_a_moment_beside_midnight_is_not_a_date(microseconds: int) -> None:
    beside = timedelta(microseconds=microseconds)
    exact = 30 * DAY + 23 * 3600
    assert _span(_date("2025-03-01"), _date("2025-04-01") + beside) == pytest.approx(exact + microseconds / 1e6)
    assert _span(_date("2025-03-01") + beside, _date("2025-04-01")) == pytest.approx(exact - microseconds / 1e6)


def test_the_second_midnight_of_a_date_is_not_its_begin() -> None:
    second = _date("2024-11-03", "America/Havana") + timedelta(hours=1)
    assert _span(second, _date("2024-11-04", "America/Havana"), "America/Havana") == DAY
    assert _span(second, _date("2024-11-10", "America/Havana"), "America/Havana") == 7 * DAY
    assert _span(_date("2024-11-02", "America/Havana"), second, "America/Havana") == 25 * 3600


def test_the_time_between_dates_is_unknown_until_the_later_one_has_come() -> None:
    first, last = _date("2025-03-01"), _date("2025-04-01")
    assert _span(first, last, window=Window(first, last)) is None
    assert _span(first, last, window=Window(first, last + timedelta(microseconds=1))) == 31 * DAY


days = st.dates(date(2001, 1, 1), date(2026, 6, 30))
times = st.integers(0, 24 * 4 - 1).map(lambda quarter: timedelta(minutes=15 * quarter))
moments = st.tuples(days, st.just(timedelta()) | times)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(ZONES), st.lists(st.tuples(moments, moments), min_size=50, max_size=50))
def test_only_two_dates_make_days(
    zone: str, pairs: list[tuple[tuple[date, timedelta], tuple[date, timedelta]]]
) -> None:
    key = ZoneInfo(zone)
    spans = [[local_midnight(day, key) + time for day, time in pair] for pair in pairs]
    rows = [{"name": f"{n:02}", "created_at": span[0], "closed_at": span[1]} for n, span in enumerate(spans)]
    metric = {**METRIC, "by": ["name"]}
    question = Question("m", EVER, by=True)
    config = config_of(metric, company={"timezone": zone})
    answers = answer_questions(store_of(deals=rows), config, [question]).answers[question]
    values = [value.value for _, value in sorted(answers.items(), key=lambda answer: answer[0].labels)]
    assert values == [_expected(*span, key) for span in spans]


def _expected(created_at: datetime, closed_at: datetime, zone: ZoneInfo) -> float:
    dates = [instant.astimezone(zone).date() for instant in (created_at, closed_at)]
    if [local_midnight(day, zone) for day in dates] == [created_at, closed_at]:
        return (dates[1] - dates[0]).days * DAY
    return (closed_at - created_at).total_seconds()
