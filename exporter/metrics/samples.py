"""Which series of business metrics there are, and their samples from the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from exporter.config.expression import metrics_of
from exporter.config.fields import Period, Scope
from exporter.config.kpis import Kpi
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.metrics.values import Answers, Group, Measured, MetricValue, Question, Window
from exporter.naming import label_name
from exporter.records import person_column


@dataclass(frozen=True, slots=True)
class _Series:
    """One family at one period: a metric, a scope and the period, None for a level."""

    metric: Metric
    scope: Scope
    period: Period | None
    window: Window

    @property
    def question(self) -> Question:
        by = self.scope is Scope.COMPANY and bool(self.metric.by)
        return Question(self.metric.name, self.window, self.scope, by)


def questions_for(
    config: Config, windows: Mapping[Period, Window], metrics: Collection[str] | None = None
) -> tuple[Question, ...]:
    """The questions behind all samples of business metrics, or of those named in `metrics`.

    `windows` are the periods to date; a period that is not among them is left out. Levels are read at the
    end of the first window.
    """
    return tuple(dict.fromkeys(series.question for series in _series(config, windows, metrics)))


def samples(
    config: Config,
    windows: Mapping[Period, Window],
    answers: Answers,
    metrics: Collection[str] | None = None,
) -> tuple[MetricValue, ...]:
    """The samples that the answers to `questions_for` hold. Unknown values and missing answers give none."""
    return tuple(sample for series in _series(config, windows, metrics) for sample in _samples(series, answers))


def samples_of(
    metric: Metric, scope: Scope, period: Period | None, answer: Mapping[Group, Measured]
) -> Iterator[MetricValue]:
    """The samples of one answer about a metric at a scope; `period` is None for a level."""
    names = tuple(map(label_name, metric.by)) if scope is Scope.COMPANY else ()
    for group, measured in answer.items():
        if measured.value is not None:
            labels = tuple(zip(names, group.labels, strict=True))
            yield MetricValue(metric.name, scope, period, measured.value, group.team, group.person, labels)


def periods_of(config: Config, metric: Metric) -> tuple[Period, ...]:
    """The metric's own periods and those of the KPIs that use or show it, shortest first."""
    used = {kpi.period for kpi in config.kpis if metric.name in uses(kpi)}
    return tuple(period for period in Period if period in used or period in metric.periods)


def scopes_of(config: Config, metric: Metric) -> tuple[Scope, ...]:
    """The company, and team or person where a KPI that uses or shows the metric has that scope."""
    asked = {scope for kpi in config.kpis if metric.name in uses(kpi) for scope in kpi.scopes}
    owned = person_column(metric.entity) is not None
    return tuple(scope for scope in Scope if scope is Scope.COMPANY or (owned and scope in asked))


def uses(kpi: Kpi) -> tuple[str, ...]:
    """Names of the metrics a KPI is made of or explained by."""
    return (*metrics_of(kpi.value), *kpi.supporting)


def _series(config: Config, windows: Mapping[Period, Window], metrics: Collection[str] | None) -> Iterator[_Series]:
    for metric in config.metrics:
        if metrics is not None and metric.name not in metrics:
            continue
        for scope in scopes_of(config, metric):
            for period, window in _windows(config, metric, windows):
                yield _Series(metric, scope, period, window)


def _windows(
    config: Config, metric: Metric, windows: Mapping[Period, Window]
) -> Iterator[tuple[Period | None, Window]]:
    if metric.is_level:
        yield from ((None, window) for window in list(windows.values())[:1])
        return
    yield from ((period, windows[period]) for period in periods_of(config, metric) if period in windows)


def _samples(series: _Series, answers: Answers) -> Iterator[MetricValue]:
    return samples_of(series.metric, series.scope, series.period, answers.get(series.question, {}))
