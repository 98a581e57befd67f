"""Answers questions about many windows with a few queries: each query answers for all windows of a metric at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.aggregates import parts_of
from exporter.metrics.bounds import Bounds, WindowPosition, cover_of
from exporter.metrics.columns import QueryContext, instant_of
from exporter.metrics.connection import QueryError, Reader, consistent_read, raise_damage
from exporter.metrics.evaluate import QueryBatch, QueryRun
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.label_folding import Fold
from exporter.metrics.lookup_tables import all_owners, write_bounds
from exporter.metrics.many_windows import ADDITIVE, compiled_changes
from exporter.metrics.people import Directory
from exporter.metrics.query import MetricKey, query_error
from exporter.metrics.row_versions import reads_state
from exporter.metrics.rows import PreparedStatement, QueryShape, rows_of
from exporter.metrics.running_values import GroupKey, RunningValues, changes_of
from exporter.metrics.runs import Run, clipped
from exporter.metrics.values import (
    FIRST,
    LAST,
    Answers,
    ColumnQuestion,
    Columns,
    Group,
    GroupRuns,
    GroupValues,
    MeasuredValue,
    Question,
    RosterAt,
    StepWindows,
    Window,
)
from exporter.records import person_column

_ALL_TIME = Window(FIRST, LAST)
_Answered = dict[ColumnQuestion, GroupRuns]
_ByColumn = Mapping[str, list[ColumnQuestion]]


class HistoryQueries(QueryRun):
    """Answers like `evaluate.answer_questions`, faster for many windows, from one state of the store.

    All calls see the same state of the store if they are inside one `consistent_read`. The labels and owners that fold
    are those with the fewest rows of all time. `failed` names the metrics that at least one call could not answer.
    Raises ConfigError for a faulty CSV of rates, and QueryError if the store cannot be read.
    """

    def __init__(self, reader: Reader, config: Config, *, rates: ExchangeRates | None = None) -> None:
        self._people = Directory.load(reader, config)
        super().__init__(reader, config, rates or ExchangeRates.load(config), self._people, {})
        owned = {metric.entity for metric in config.metrics if person_column(metric.entity) is not None}
        self._owners = all_owners(reader, sorted(owned))
        self._groups: dict[tuple[Scope, int], dict[GroupKey, Group]] = {}
        self._bounds = Bounds()
        self._position_lists: dict[tuple[StepWindows, bool, bool], list[WindowPosition]] = {}
        self.failed: dict[str, EvaluationError] = {}
        self._write_tables()

    @property
    def roster_at(self) -> RosterAt:
        """Who is in which team at an instant."""
        return self._people.roster

    def begins(self) -> datetime | None:
        """The time of the first record that a metric counts; None if there is none."""
        with consistent_read(self._reader):
            firsts = map(self._first, self._config.metrics)
            return min((first for first in firsts if first is not None), default=None)

    def ask(self, questions: Iterable[Question]) -> Answers:
        """The answers to all questions but those about a metric that cannot be answered."""
        by_series: dict[tuple[str, Scope, bool], list[Question]] = {}
        for question in sorted(dict.fromkeys(questions), key=lambda q: q.window):
            by_series.setdefault((question.metric, question.scope, question.by), []).append(question)
        steps: dict[tuple[Window, ...], StepWindows] = {}
        columns: dict[ColumnQuestion, list[Question]] = {}
        for (name, scope, by), in_series in by_series.items():
            if name in self._metrics and self._metrics[name].is_level:
                in_series.sort(key=lambda q: q.window.end)
            windows = tuple(question.window for question in in_series)
            shared = steps.setdefault(windows, StepWindows(windows))
            columns[ColumnQuestion(name, shared, scope, by)] = in_series
        answers: dict[Question, GroupValues] = {}
        for column, runs in self.columns(columns).items():
            answers.update(zip(columns[column], _by_step(runs, len(columns[column])), strict=True))
        return answers

    def columns(self, questions: Iterable[ColumnQuestion]) -> Columns:
        """For each question the runs of its answers; those about a metric that cannot be answered are left out."""
        column_questions = tuple(dict.fromkeys(questions))
        answered: _Answered = {}
        self._failed, self._position_lists = {}, {}
        self._bounds = Bounds.of({question.steps for question in column_questions})
        with consistent_read(self._reader):
            write_bounds(self._reader, self._bounds.starts, self._bounds.ends)
            for shape, by_metric in self._by_rows(column_questions, answered).items():
                self._answer(shape, by_metric, answered)
        self.failed |= self._failed
        return {question: values for question, values in answered.items() if question.metric not in self._failed}

    def _first(self, metric: Metric) -> datetime | None:
        try:
            first = _first_counted(metric, self._context).fetch(self._reader, _ALL_TIME)[0][0]
        except LookupError:
            return None
        except QueryError as error:
            raise_damage(error)
            self._restart()
            return None
        return None if first is None else first.replace(tzinfo=UTC)

    def _by_rows(self, questions: Iterable[ColumnQuestion], answered: _Answered) -> Mapping[QueryShape, _ByColumn]:
        """The questions by the rows that they read; answers those that read none."""
        by_shape: dict[QueryShape, dict[str, list[ColumnQuestion]]] = {}
        for question in questions:
            metric = self._metrics.get(question.metric)
            if metric is None:
                self._fail(question.metric, "there is no such metric")
                continue
            shape = QueryShape.of(metric, question.scope, question.by)
            if question.scope is not Scope.COMPANY and person_column(metric.entity) is None:
                answered[question] = {}
            elif (error := query_error(shape, MetricKey(metric), self._context)) is not None:
                self._fail(metric.name, error)
            else:
                rows = replace(shape, as_it_was=self._has_changed(metric, question))
                by_shape.setdefault(rows, {}).setdefault(metric.name, []).append(question)
        return by_shape

    def _has_changed(self, metric: Metric, question: ColumnQuestion) -> bool:
        """True if a column that the question reads has changed after one of its windows."""
        newest = self._newest_state(metric.entity) if reads_state(metric, question.scope) else None
        return newest is not None and any(window.end < newest for window in question.steps.windows)

    def _answer(self, shape: QueryShape, by_metric: _ByColumn, answered: _Answered) -> None:
        """Queries all metrics at once; if that fails one by one, to find the metrics that fail."""
        metrics = [self._metrics[name] for name in by_metric if name not in self._failed]
        try:
            self._query_all(shape, metrics, by_metric, answered)
        except QueryError as failure:
            raise_damage(failure)
            for metric in metrics:
                self._restart()
                try:
                    self._query_all(shape, [metric], by_metric, answered)
                except QueryError as error:
                    raise_damage(error)
                    self._fail(metric.name, f"the store cannot compute it ({type(error).__name__})")
                    self._restart()

    def _query_all(
        self, shape: QueryShape, metrics: Sequence[Metric], by_metric: _ByColumn, answered: _Answered
    ) -> None:
        for fold in self._folds(QueryBatch(shape, _ALL_TIME), metrics):
            additive = tuple(metric for metric in fold.metrics if metric.aggregate in ADDITIVE)
            others = ((metric,) for metric in fold.metrics if metric.aggregate not in ADDITIVE)
            for chosen in (additive, *others) if additive else others:
                column_questions = [question for metric in chosen for question in by_metric[metric.name]]
                cover = cover_of((question.steps for question in column_questions), level=shape.closes is not None)
                query = compiled_changes(fold.shape, tuple(map(MetricKey, chosen)), self._context)
                rows = query.statement.fetch(self._reader, cover, fold.parameters)
                by_layout = changes_of(rows, query.layouts, shape.group_count)
                for metric, changes in zip(chosen, by_layout, strict=True):
                    running = RunningValues(metric, changes, grouped=shape.group_count > 0)
                    for question in by_metric[metric.name]:
                        answered[question] = self._runs(question.steps, shape, running)

    def _runs(self, steps: StepWindows, shape: QueryShape, running: RunningValues) -> GroupRuns:
        """The runs by group. A person is another group in each of their teams."""
        positions, count = self._positions(steps, shape), len(steps.windows)
        eras = [next(members) for _, members in groupby(positions, key=attrgetter("era"))]
        era_ends = [*(position.step for position in eras[1:]), count]
        groups: dict[Group, list[Run[MeasuredValue]]] = {}
        for key, runs in running.runs(positions, count).items():
            for era, until in zip(eras, era_ends, strict=True):
                if runs_of_era := clipped(runs, era.step, until):
                    groups.setdefault(self._group_of(shape, era, key), []).extend(runs_of_era)
        return groups

    def _positions(self, steps: StepWindows, shape: QueryShape) -> list[WindowPosition]:
        by_person, level = shape.scope is Scope.PERSON, shape.closes is not None
        key = steps, by_person, level
        if key not in self._position_lists:
            self._position_lists[key] = self._bounds.positions(
                steps, self._people.era if by_person else lambda _: 0, level=level
            )
        return self._position_lists[key]

    def _group_of(self, shape: QueryShape, position: WindowPosition, key: GroupKey) -> Group:
        groups = self._groups.setdefault((shape.scope, position.era), {})
        if key not in groups:
            groups[key] = self._group(QueryBatch(shape, position.window), key)
        return groups[key]

    def _write_tables(self) -> None:
        super()._write_tables()
        write_bounds(self._reader, self._bounds.starts, self._bounds.ends)

    def _folds(self, batch: QueryBatch, metrics: Sequence[Metric]) -> tuple[Fold, ...]:
        """The values with most rows of all time are retained, whether they are open at the end of time or not."""
        if not batch.shape.by:
            return super()._folds(batch, metrics)
        dated = replace(batch.shape, closes=None, as_it_was=False)
        folds = self._folder.folds(dated, _ALL_TIME, metrics)
        return tuple(replace(fold, shape=replace(batch.shape, folded=fold.shape.folded)) for fold in folds)


def _by_step(runs: GroupRuns, count: int) -> list[GroupValues]:
    """The values of all groups at each of so many steps."""
    values: list[dict[Group, MeasuredValue]] = [{} for _ in range(count)]
    for group, runs_of_group in runs.items():
        for first, until, measured in runs_of_group:
            for step in range(first, until):
                values[step][group] = measured
    return list(values)


def _first_counted(metric: Metric, context: QueryContext) -> PreparedStatement:
    """The earliest instant at which a record begins to count."""
    shape = replace(QueryShape.of(metric), closes=None)
    first: exp.Expr = exp.Min(this=instant_of(shape.entity, shape.opens))
    keep = parts_of(metric, context).keep
    if keep is not None:
        first = exp.Filter(this=first, expression=exp.Where(this=keep))
    return PreparedStatement.of(rows_of(shape, exp.select(first)))
