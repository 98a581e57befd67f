"""Samples of business metrics as of each metric's own instant: which questions to ask, and what the answers give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from exporter.config.fields import Period, Scope
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar
from exporter.kpi.plan import data_as_of, people_known
from exporter.kpi.values import Freshness
from exporter.metrics.samples import questions_for, samples_of
from exporter.metrics.values import Answers, GroupValues, MetricValue, Question, Window

_PLACEHOLDERS = {
    period: Window(instant, instant)
    for index, period in enumerate(Period)
    for instant in (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=index),)
}
"""A distinct window for each period, to recognise the period of a question."""


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

    An answer that is the same object as last time gives the same samples.
    """

    def __init__(self, config: Config, calendar: Calendar) -> None:
        self._config = config
        self._calendar = calendar
        self._series = series_by_metric(config)
        self._cache: dict[MetricSeries, tuple[GroupValues, Sequence[MetricValue]]] = {}

    def samplings(self, freshness: Mapping[str, Freshness], now: datetime) -> Iterator[Sampling]:
        """One for each metric whose numbers may be shown: read completely at least once, and not stale.

        While the teams are unknown there is only the scope of the company.
        """
        scopes = set(Scope) if people_known(freshness) else {Scope.COMPANY}
        windows: dict[datetime, dict[Period, Window]] = {}
        for metric, series in self._series.items():
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

    def samples(self, sampling: Sampling, answers: Answers) -> Iterator[Sequence[MetricValue]]:
        """The samples of each series, in the order of the config, then of names. What is unknown has no sample."""
        for series, question in sampling.by_series.items():
            answer = answers.get(question)
            if answer is None:
                continue
            cached = self._cache.get(series)
            if cached is None or cached[0] is not answer:
                metric = self._config.metric_by_name[series.metric]
                samples = samples_of(metric, series.scope, None if metric.is_level else series.period, answer)
                cached = self._cache[series] = answer, sorted(samples, key=_names)
            yield cached[1]


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
