"""The tables of series that an evaluation exposes, from one evaluation to the next: only those that changed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.exposition.families import first_values, kpi_info, reviews_due
from exporter.exposition.series_tables import (
    SeriesTable,
    definition_table,
    info_table,
    kpi_table,
    metric_table,
    score_table,
)
from exporter.kpi.values import Evaluation, KpiRun, MetricRun

ChangedTable = tuple[Hashable, SeriesTable[Any], Sequence[Any]]
"""The name of a table, the table, and its rows."""

_KpiKey = tuple[str, Scope]


class HistoryTables:
    """The tables of one config's evaluations, one evaluation after the other."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._metric_tables: dict[tuple[str, Scope], SeriesTable[Any]] = {}
        self._kpi_tables = {scope: kpi_table(scope) for scope in Scope}
        self._info = info_table(kpi_info(config))
        self._definitions = definition_table(reviews_due(config))
        self._scores = score_table()
        self._metric_runs: tuple[MetricRun, ...] = ()
        self._kpi_runs: dict[_KpiKey, KpiRun] = {}

    def changed(self, evaluation: Evaluation) -> Iterator[ChangedTable]:
        """The tables whose rows may differ from those of the evaluation before; one that is gone has no rows."""
        yield from self._metrics(evaluation.metric_runs)
        yield from self._kpis(evaluation.kpi_runs)
        first = first_values(self._config, evaluation.kpis)
        yield "info", self._info, first
        yield "definitions", self._definitions, first
        yield "scores", self._scores, evaluation.objectives

    def _metrics(self, runs: tuple[MetricRun, ...]) -> Iterator[ChangedTable]:
        before, self._metric_runs = self._metric_runs, runs
        if len(runs) == len(before):
            changed = [(new, old) for new, old in zip(runs, before, strict=True) if new is not old]
            if all(new[:3] == old[:3] for new, old in changed):
                yield from (self._metric(new) for new, _ in changed)
                return
        current = {run[:3] for run in runs}
        yield from (self._metric(run._replace(samples=())) for run in before if run[:3] not in current)
        yield from map(self._metric, runs)

    def _metric(self, run: MetricRun) -> ChangedTable:
        return run[:3], self._metric_table(run.metric, run.scope), run.samples

    def _metric_table(self, metric: str, scope: Scope) -> SeriesTable[Any]:
        key = metric, scope
        if key not in self._metric_tables:
            self._metric_tables[key] = metric_table(self._config, metric, scope)
        return self._metric_tables[key]

    def _kpis(self, runs: Sequence[KpiRun]) -> Iterator[ChangedTable]:
        before, self._kpi_runs = self._kpi_runs, {(run.kpi, run.scope): run for run in runs}
        for key, run in self._kpi_runs.items():
            old = before.pop(key, None)
            if old is None or old.revision != run.revision:
                yield key, self._kpi_tables[run.scope], run.values
        for key in before:
            yield key, self._kpi_tables[key[1]], ()
