"""Which window of a metric is compared with its expected range, and what is not compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.kpi.drivers import Drivers
from exporter.kpi.signals import DriverReading
from exporter.kpi.values import Freshness
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from tests.kpi.configs import calendar_of, config_of, kpi

WEEKDAYS = {"workdays": ["mon", "tue", "wed", "thu", "fri"], "holidays": {"dates": ["2026-10-23"]}}
COUNT = {"at": "started_at", "count": "rows"}
LEVEL = {"during": {"from": "started_at", "until": "ended_at"}, "count": "rows"}


def drivers(expected: dict[str, Any], rule: dict[str, Any] = COUNT, **company: Any) -> Drivers:
    metric = {"name": "calls", "title": "Calls", "entity": "calls", "expected": expected, **rule}
    plain = {"name": "won", "title": "Won", "entity": "deals", "at": "closed_at", "count": "rows"}
    return Drivers(config_of(kpi(), metrics=[metric, plain], **company), calendar_of(**company))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(subject: Drivers, at: str) -> tuple[str, str]:
    (question,) = subject.questions({"calls": Freshness(utc(at))}, utc(at) + timedelta(minutes=1))
    start, end = question.window
    return start.isoformat()[:16], end.isoformat()[:16]


@pytest.mark.parametrize(
    ("at", "start", "end"),
    [
        ("2026-10-21T09:00", "2026-10-19T22:00", "2026-10-20T22:00"),  # Wednesday: all of Tuesday in Zurich
        ("2026-10-22T22:00", "2026-10-21T22:00", "2026-10-22T22:00"),  # at midnight Thursday has finished
        ("2026-10-26T09:00", "2026-10-21T22:00", "2026-10-22T22:00"),  # Monday: Thursday, as Friday was a day off
    ],
)
def test_a_count_is_compared_over_the_last_finished_workday(at: str, start: str, end: str) -> None:
    assert window(drivers({"min": 1}, **WEEKDAYS), at) == (start, end)


def test_without_workdays_every_day_counts_and_another_period_may_be_asked_for() -> None:
    monday = "2026-10-26T09:00"
    assert window(drivers({"min": 1}), monday) == ("2026-10-24T22:00", "2026-10-25T23:00")  # 25 hours
    assert window(drivers({"min": 1, "period": "week"}), monday) == ("2026-10-18T22:00", "2026-10-25T23:00")


def test_a_level_is_compared_as_it_is() -> None:
    assert window(drivers({"max": 9}, LEVEL, **WEEKDAYS), "2026-10-25T09:00") == ("2026-10-25T09:00",) * 2


def test_nothing_is_asked_while_a_source_is_silent() -> None:
    subject, now = drivers({"min": 1}), utc("2026-10-21T09:00")
    assert subject.questions({"calls": Freshness(None)}, now) == {}
    assert subject.questions({"calls": Freshness(now - timedelta(hours=3), stale=True)}, now) == {}
    assert subject.questions({}, now) == {}


@pytest.mark.parametrize(
    ("measured", "value"),
    [
        (MeasuredValue(4.0, 4), 4.0),
        (MeasuredValue(0.0), 0.0),  # no record at all is a true 0
        (MeasuredValue(None), None),
        (MeasuredValue(4.0, 4, held_out=5), None),  # rests on less than half of the records
        (MeasuredValue(4.0, 4, held_out=4), 4.0),
        (None, None),
    ],
)
def test_a_value_that_is_unknown_is_not_compared(measured: MeasuredValue | None, value: float | None) -> None:
    subject = drivers({"min": 3, "max": 7})
    question = Question("calls", Window(utc("2026-10-20T00:00"), utc("2026-10-21T00:00")))
    answers = {} if measured is None else {question: {Group(): measured}}
    readings = subject.readings({question: 1.0}, answers)
    assert readings == (() if value is None else (DriverReading("calls", value, 3, 7),))


def test_records_without_a_place_in_time_count_as_unused() -> None:
    """Of ten records six have a place in time: with 4 of 5 of those, 0.6 * 0.8 = 0.48 of all are used, too few."""
    subject, now = drivers({"min": 3}), utc("2026-10-21T09:00")
    questions = subject.questions({"calls": Freshness(now, records=10, undated=4)}, now)
    for held_out, values in ((0, [100.0]), (25, [])):
        answers = {question: {Group(): MeasuredValue(100.0, 100, held_out)} for question in questions}
        assert [reading.value for reading in subject.readings(questions, answers)] == values
