"""Metrics with an expected range: which window of each to compare with it, and what it amounted to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from exporter.config.expression import Ref
from exporter.config.fields import Pace
from exporter.config.metrics import Expected, Metric
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar, previous_period
from exporter.kpi.plan import data_as_of, dated_share
from exporter.kpi.readings import formula_of
from exporter.kpi.signals import DriverReading
from exporter.kpi.values import Freshness
from exporter.metrics.values import Answers, Group, Question, Window

_COMPANY = Group()
_LONGEST_BREAK = timedelta(days=366)

DriverQuestions = Mapping[Question, float]
"""What to ask about each metric with an expected range whose data is fresh, with the dated share of its records."""


class Drivers:
    """The metrics of a config that have an expected range.

    A level is compared as it is now. Anything else is compared over the last finished period that has a workday,
    because a period that has just begun says nothing about a sum, and little about a mean.
    """

    def __init__(self, config: Config, calendar: Calendar) -> None:
        self._calendar = calendar
        self._skips_days_off = config.company.workdays is not None
        self._ranges = {
            metric.name: (metric, expected) for metric in config.metrics if (expected := metric.expected) is not None
        }
        self._formulas = {name: formula_of(config, Ref(name)) for name in self._ranges}

    def questions(self, freshness: Mapping[str, Freshness], now: datetime) -> DriverQuestions:
        """What to ask at an instant. Nothing is asked about data that is too old, or was never read completely."""
        questions = {}
        for name, (metric, expected) in self._ranges.items():
            known_until = data_as_of([name], freshness, now)
            if known_until is not None:
                as_of, stale = known_until
                if not stale:
                    question = Question(name, self._window(metric, expected, as_of))
                    questions[question] = dated_share([name], freshness)
        return questions

    def readings(self, questions: DriverQuestions, answers: Answers) -> tuple[DriverReading, ...]:
        """What the metrics amounted to; those that failed, have no value or rest on too few records are left out."""
        readings = []
        for question, dated in questions.items():
            if question in answers:
                name = question.metric
                value = self._formulas[name].read([answers[question].get(_COMPANY)]).among(dated).value
                if value is not None:
                    _, expected = self._ranges[name]
                    readings.append(DriverReading(name, value, expected.min, expected.max))
        return tuple(readings)

    def _window(self, metric: Metric, expected: Expected, as_of: datetime) -> Window:
        calendar = self._calendar
        if metric.is_level:
            return Window(as_of, as_of)
        span = previous_period(expected.period, calendar.period_of(expected.period, as_of))
        oldest = span.first - _LONGEST_BREAK
        while self._skips_days_off and calendar.is_day_off(span, Pace.WORKDAYS) and span.first > oldest:
            span = previous_period(expected.period, span)
        return calendar.window(span)
