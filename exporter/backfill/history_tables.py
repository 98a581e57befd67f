"""The rows of the tables of series that a history exposes, over the steps at which they are the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.exposition.families import kpi_info, reviews_due
from exporter.exposition.series_tables import (
    Cells,
    SeriesTable,
    definition_cells,
    definition_table,
    info_table,
    kpi_table,
    metric_key,
    metric_table,
    score_table,
)
from exporter.kpi.history import EvaluationHistory
from exporter.kpi.judged_history import KpiHistory
from exporter.kpi.sampling import MetricSeries
from exporter.metrics.runs import Run, Runs
from exporter.metrics.values import Group, GroupRuns
from exporter.naming import label_name

TableRow = tuple[SeriesTable[Any], Hashable, Runs[Cells]]
"""A table, the key of one of its rows, and the cells of the row."""


def _names(group: Group) -> tuple[str, str, tuple[str, ...]]:
    return group.team or "", group.person or "", group.labels


def _order(item: tuple[tuple[Scope, Group], object]) -> tuple[int, str, str, tuple[str, ...]]:
    (scope, group), _ = item
    return list(Scope).index(scope), *_names(group)


class HistoryTables:
    """The tables of one config's evaluations."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._kpi_tables = {scope: kpi_table(scope) for scope in Scope}
        self._labels = kpi_info(config)
        self._info = info_table(self._labels)
        self._reviews = reviews_due(config)
        self._definitions = definition_table(self._reviews)
        self._scores = score_table()

    def rows(self, history: EvaluationHistory) -> Iterator[TableRow]:
        """Every row of every table."""
        for series, runs in history.metrics:
            yield from self._metric(series, runs)
        for kpi in history.kpis.values():
            yield from self._kpi(kpi)
        for name, kpi in history.kpis.items():
            yield self._info, self._labels[name], [(first, until, (1.0,)) for first, until in kpi.evaluated()]
        for name, kpi in history.kpis.items():
            yield self._definitions, (name,), list(self._definition(name, kpi))
        for objective, scores in history.scores.items():
            cells: Runs[Cells] = [(first, until, (score.score,)) for first, until, score in scores]
            yield self._scores, (objective,), cells

    def _metric(self, series: MetricSeries, by_group: GroupRuns) -> Iterator[TableRow]:
        metric = self._config.metric_by_name[series.metric]
        table = metric_table(self._config, series.metric, series.scope)
        period = None if metric.is_level else series.period
        names = tuple(map(label_name, metric.by)) if series.scope is Scope.COMPANY else ()
        for group in sorted(by_group, key=_names):
            key = metric_key(period, group, names)
            yield table, key, [(first, until, measured[:1]) for first, until, measured in by_group[group]]

    def _kpi(self, kpi: KpiHistory) -> Iterator[TableRow]:
        for (scope, _), runs in sorted(kpi.values.items(), key=_order):
            if runs:
                table = self._kpi_tables[scope]
                cells_of, key = table.cells_of, table.key_of(runs[0][2])
                yield table, key, [(first, until, cells_of(value)) for first, until, value in runs]

    def _definition(self, name: str, kpi: KpiHistory) -> Iterator[Run[Cells]]:
        """The cells at every step at which the KPI has any value."""
        due = self._reviews.get(name)
        for first, until in kpi.evaluated():
            for step, period in enumerate(kpi.periods[first:until], start=first):
                share, time_left = period.progress.share, period.progress.time_left
                yield step, step + 1, definition_cells(period.window, share, time_left, period.known_until, due)
