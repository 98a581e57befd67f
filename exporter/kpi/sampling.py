"""Samples of business metrics as of each metric's own instant: which questions to ask, and what the answers give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from exporter.config.fields import Period, Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar
from exporter.kpi.plan import data_as_of, people_known
from exporter.kpi.values import Freshness, MetricRun
from exporter.metrics.samples import questions_for, samples_of
from exporter.metrics.values import Answers, Group, GroupValues, MeasuredValue, MetricValue, Question, Window

_PLACEHOLDERS = {
    period: Window(instant, instant)
    for index, period in enumerate(Period)
    for instant in (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=index),)
}
"""A distinct window for each period, to recognise the period of a question."""


_VALUE = MetricValue._fields.index("value")


class MetricSeries(NamedTuple):
    """A metric at one scope and period; a level has no period of its own and is read at the end of one."""

    metric: str
    scope: Scope
    period: Period
    by: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """The series of one metric with their questions as of one instant."""

    by_series: Mapping[MetricSeries, Question]

    def questions(self) -> Iterator[Question]:
        """Everything that the samples rest on."""
        return iter(self.by_series.values())


class Sampler:
    """Asks about the business metrics of one config and turns the answers into samples.

    An answer that is the same object as last time gives the same run, and a number that is the same object the same
    sample: a history has millions of them.
    """

    def __init__(self, config: Config, calendar: Calendar) -> None:
        self._config = config
        self._calendar = calendar
        self.series = series_by_metric(config)
        self._cache: dict[MetricSeries, _SampledAnswer] = {}

    def samplings(self, freshness: Mapping[str, Freshness], now: datetime) -> Iterator[Sampling]:
        """One for each metric whose numbers may be shown: read completely at least once, and not stale.

        While the teams are unknown there is only the scope of the company.
        """
        scopes = set(Scope) if people_known(freshness) else {Scope.COMPANY}
        windows: dict[datetime, dict[Period, Window]] = {}
        for metric, series in self.series.items():
            as_of, stale = data_as_of((metric,), freshness, now) or (now, True)
            if not stale:
                if as_of not in windows:
                    windows[as_of] = self._windows(as_of)
                spans = windows[as_of]
                yield Sampling(
                    {s: Question(s.metric, spans[s.period], s.scope, s.by) for s in series if s.scope in scopes}
                )

    def _windows(self, as_of: datetime) -> dict[Period, Window]:
        calendar = self._calendar
        return {period: calendar.window(calendar.period_of(period, as_of), as_of) for period in Period}

    def runs(self, sampling: Sampling, answers: Answers) -> Iterator[MetricRun]:
        """The samples of each series, in the order of the config, then of names. What is unknown has no sample."""
        for series, question in sampling.by_series.items():
            answer = answers.get(question)
            if answer is not None:
                yield self.run(series, answer)

    def run(self, series: MetricSeries, answer: GroupValues) -> MetricRun:
        """The samples of one series."""
        cached = self._cache.get(series)
        if cached is not None and cached.answer is answer:
            return cached.run
        sampled = None if cached is None else cached.with_numbers(answer)
        if sampled is None:
            sampled = _SampledAnswer.of(self._config.metric_by_name[series.metric], series, answer)
        self._cache[series] = sampled
        return sampled.run


@dataclass(frozen=True, slots=True)
class _SampledAnswer:
    """An answer, its groups and numbers, and its samples in the order of names.

    `positions` has the index of each group's sample, None for a group without one.
    """

    answer: GroupValues
    groups: Sequence[Group]
    measured: Sequence[MeasuredValue]
    positions: Sequence[int | None]
    run: MetricRun

    @classmethod
    def of(cls, metric: Metric, series: MetricSeries, answer: GroupValues) -> _SampledAnswer:
        """The samples of all groups."""
        period = None if metric.is_level else series.period
        samples = list(samples_of(metric, series.scope, period, answer))
        order = sorted(range(len(samples)), key=lambda index: _names(samples[index]))
        ranks = dict(zip(order, count(), strict=False))
        index = count()
        positions = [None if value.value is None else ranks[next(index)] for value in answer.values()]
        run = MetricRun(series.metric, series.scope, period, [samples[index] for index in order])
        return cls(answer, list(answer), list(answer.values()), positions, run)

    def with_numbers(self, answer: GroupValues) -> _SampledAnswer | None:
        """The samples of another answer about the same groups; None if it has others."""
        groups, measured = list(answer), list(answer.values())
        if groups != self.groups:
            return None
        samples = list(self.run.samples)
        for new, old, position in zip(measured, self.measured, self.positions, strict=True):
            if new is not old:
                if (new.value is None) is not (position is None):
                    return None
                if position is not None and new.value is not None:
                    sample = samples[position]
                    samples[position] = tuple.__new__(MetricValue, (*sample[:_VALUE], new.value, *sample[_VALUE + 1 :]))
        metric, scope, period, _ = self.run
        return _SampledAnswer(answer, groups, measured, self.positions, MetricRun(metric, scope, period, samples))


def series_by_metric(config: Config) -> dict[str, list[MetricSeries]]:
    """All series of business metrics, by metric."""
    periods = {window: period for period, window in _PLACEHOLDERS.items()}
    by_metric: dict[str, list[MetricSeries]] = {}
    for question in questions_for(config, _PLACEHOLDERS):
        series = MetricSeries(question.metric, question.scope, periods[question.window], question.by)
        by_metric.setdefault(question.metric, []).append(series)
    return by_metric


def _names(sample: MetricValue) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return sample.team or "", sample.person or "", sample.labels
