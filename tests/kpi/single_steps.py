"""The evaluations at the single steps of a history, put together from its runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.kpi.history import EvaluationHistory
from exporter.kpi.judged_history import KpiHistory
from exporter.kpi.values import Evaluation, KpiValue, ObjectiveScore
from exporter.metrics.runs import Runs, T
from exporter.metrics.samples import samples_of
from exporter.metrics.values import MetricValue


def evaluations(config: Config, histories: Iterable[EvaluationHistory]) -> list[Evaluation]:
    """The evaluation at each step, without runs, which the values are made of."""
    return [evaluation for history in histories for evaluation in _evaluations(config, history)]


def at_step(runs: Runs[T], step: int) -> T | None:
    """The value at a step; None if there is none."""
    return next((value for first, until, value in runs if first <= step < until), None)


def _evaluations(config: Config, history: EvaluationHistory) -> Iterator[Evaluation]:
    for step, instant in enumerate(history.instants):
        kpis = [value for kpi in history.kpis.values() for value in _values(kpi, step)]
        scores = [at_step(runs, step) for runs in history.scores.values()]
        failed = {name for name, kpi in history.kpis.items() if step in kpi.failed} | set(
            history.unanswered.get(step, ())
        )
        yield Evaluation(
            instant,
            tuple(kpis),
            tuple(_metrics(config, history, step)),
            tuple(score for score in scores if isinstance(score, ObjectiveScore)),
            failed=tuple(sorted(failed)),
        )


def _values(kpi: KpiHistory, step: int) -> Iterator[KpiValue]:
    """Sorted as in an evaluation; the as-of instant, the elapsed share and the time left are those of the step."""
    period = kpi.periods[step]
    rows = [(scope, value) for (scope, _), runs in kpi.values.items() if (value := at_step(runs, step)) is not None]
    rows.sort(key=lambda row: (period.scopes.index(row[0]), row[1].team or "", row[1].person or ""))
    for _, value in rows:
        as_of = None if value.status is Status.NO_DATA and value.as_of is None else period.progress.as_of
        yield value._replace(as_of=as_of, elapsed=period.progress.share, time_left=period.progress.time_left)


def _metrics(config: Config, history: EvaluationHistory, step: int) -> Iterator[MetricValue]:
    for series, by_group in history.metrics:
        metric = config.metric_by_name[series.metric]
        values = {g: value for g, runs in by_group.items() if (value := at_step(runs, step)) is not None}
        period = None if metric.is_level else series.period
        samples = samples_of(metric, series.scope, period, values)
        yield from sorted(samples, key=lambda sample: (sample.team or "", sample.person or "", sample.labels))
