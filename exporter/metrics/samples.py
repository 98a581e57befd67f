"""Which series of business metrics exist, and their samples from the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporter.config.fields import Period, Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.metrics.values import GroupValues, MetricValue, Question, Window
from exporter.naming import label_name
from exporter.records import person_column


def questions_for(config: Config, windows: Mapping[Period, Window]) -> tuple[Question, ...]:
    """The questions behind all samples of business metrics.

    `windows` are the periods to date; a period without a window is left out. Levels are read at the end of the
    first window.
    """
    questions: dict[Question, None] = {}
    for metric in config.metrics:
        periods = [period for period in config.periods_of(metric) if period in windows]
        metric_windows = list(windows.values())[:1] if metric.is_level else [windows[period] for period in periods]
        for scope in scopes_of(config, metric):
            by = scope is Scope.COMPANY and bool(metric.by)
            questions |= dict.fromkeys(Question(metric.name, window, scope, by) for window in metric_windows)
    return tuple(questions)


def samples_of(metric: Metric, scope: Scope, period: Period | None, values: GroupValues) -> Iterator[MetricValue]:
    """The samples of the answer about a metric at a scope; `period` is None for a level."""
    names = tuple(map(label_name, metric.by)) if scope is Scope.COMPANY else ()
    for group, measured in values.items():
        if measured.value is not None:
            labels = tuple(zip(names, group.labels, strict=True))
            yield MetricValue(metric.name, scope, period, measured.value, group.team, group.person, labels)


def scopes_of(config: Config, metric: Metric) -> tuple[Scope, ...]:
    """The company, and team or person if a KPI that uses or shows the metric has that scope."""
    used = {scope for kpi in config.kpis if metric.name in kpi.explained_by for scope in kpi.scopes}
    has_owner = person_column(metric.entity) is not None
    return tuple(scope for scope in Scope if scope is Scope.COMPANY or (has_owner and scope in used))
