"""Turns an evaluation into samples, family by family; names and labels come from `naming`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from operator import attrgetter, is_
from typing import Any
from zoneinfo import ZoneInfo

from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.kpi.values import Evaluation, KpiRun, KpiValue
from exporter.metrics.values import MetricValue
from exporter.naming import Family, metric_family, scoped

LabelValues = tuple[object, ...]

WITHHELD = frozenset({Status.STALE, Status.NO_DATA})
"""A KPI with one of these statuses exposes no number that is computed from data."""

_MEASURED = (
    (naming.VALUE, "value"),
    (naming.TARGET_RATIO, "target_ratio"),
    (naming.PACE_RATIO, "pace_ratio"),
    (naming.PROGRESS_RATIO, "progress_ratio"),
    (naming.PREVIOUS_VALUE, "previous_value"),
    (naming.COVERAGE, "coverage"),
)
_PLANNED = (
    (naming.TARGET, "target"),
    (naming.TARGET_LOW, "target_low"),
    (naming.TARGET_HIGH, "target_high"),
    (naming.EXPECTED, "expected"),
)
_STATUSES = tuple(status.value for status in Status)
_ONE_HOT = {status: tuple(float(status is other) for other in Status) for status in Status}
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}

_series_key = attrgetter("period", "team", "person", "labels")
_family_key = attrgetter("metric", "scope")


@dataclass(frozen=True, slots=True)
class FamilySamples:
    """The samples of one family at one scope.

    A key identifies one series; `labels_of` gives its label values in the order of `family.labels`. If the keys equal
    those of the previous evaluation, the renderer writes only the numbers. `part` names a part of the family, such as
    the series of one KPI; it is empty for the whole.
    """

    family: Family
    scope: Scope
    keys: Sequence[Hashable]
    values: Sequence[float]
    labels_of: Callable[[Any], LabelValues]
    part: str = ""


def business_samples(config: Config, values: Iterable[MetricValue]) -> Iterator[FamilySamples]:
    """One family per metric and scope."""
    return MetricFamilies(config).samples([list(run) for _, run in groupby(values, _family_key)])


class MetricFamilies:
    """The families of business metrics, from one evaluation to the next."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cache: dict[tuple[str, Scope], tuple[list[Sequence[MetricValue]], FamilySamples]] = {}

    def samples(self, runs: Iterable[Sequence[MetricValue]]) -> Iterator[FamilySamples]:
        """One family per metric and scope, each run being about one of them.

        A family whose runs are the same objects as last time is the same object too: an hour changes few of the
        thousand samples of a history.
        """
        by_family: dict[tuple[str, Scope], list[Sequence[MetricValue]]] = {}
        for run in runs:
            if run:
                by_family.setdefault((run[0].metric, run[0].scope), []).append(run)
        for key, family_runs in by_family.items():
            cached = self._cache.get(key)
            if cached is None or not (len(cached[0]) == len(family_runs) and all(map(is_, cached[0], family_runs))):
                family = (
                    cached[1].family
                    if cached
                    else metric_family(self._config, self._config.metric_by_name[key[0]], key[1])
                )
                cached = self._cache[key] = family_runs, _metric_samples(family, key[1], family_runs)
            yield cached[1]


def _metric_samples(family: Family, scope: Scope, runs: Iterable[Sequence[MetricValue]]) -> FamilySamples:
    samples = list(chain.from_iterable(runs))
    keys = list(map(_series_key, samples))
    return FamilySamples(family, scope, keys, [s.value for s in samples], partial(_metric_labels, family.labels))


def _metric_labels(names: tuple[str, ...], key: tuple[Any, ...]) -> LabelValues:
    period, team, person, pairs = key
    labels = {"period": period, "team": team, "person": person, **dict(pairs)}
    return tuple(labels.get(name, "") for name in names)


def kpi_samples(config: Config, evaluation: Evaluation) -> Iterator[FamilySamples]:
    """The families of KPIs and objectives, in the order of `naming`."""
    for scope in Scope:
        values = [value for value in evaluation.kpis if value.scope is scope]
        if values:
            yield from _number_samples(scope, values)
            yield _status_samples(scope, values)
    if evaluation.restated:
        keys = [(restated.kpi, restated.period) for restated in evaluation.restated]
        yield _samples(naming.RESTATED_VALUE, keys, [restated.value for restated in evaluation.restated])
    yield from _definition_samples(config, evaluation)
    yield _score_samples(evaluation)


class KpiFamilies:
    """The families of KPIs and objectives in parts of one KPI each, from one evaluation to the next.

    A part with the numbers of last time is the same object too, so that a history records only what changed.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cache: dict[tuple[str, Scope], tuple[Any, dict[str, FamilySamples]]] = {}

    def samples(self, evaluation: Evaluation) -> Iterator[FamilySamples]:
        """The parts that have series."""
        for run in evaluation.kpi_runs:
            revision, parts = self._cache.get((run.kpi, run.scope), (None, {}))
            if revision != run.revision:
                parts = dict(_changed_parts(run, parts))
                self._cache[run.kpi, run.scope] = run.revision, parts
            yield from parts.values()
        yield from _definition_samples(self._config, evaluation)
        yield _score_samples(evaluation)


def _changed_parts(run: KpiRun, parts: Mapping[str, FamilySamples]) -> Iterator[tuple[str, FamilySamples]]:
    for samples in (*_number_samples(run.scope, run.values), _status_samples(run.scope, run.values)):
        if samples.keys:
            before = parts.get(samples.family.name)
            same = before is not None and before.keys == samples.keys and before.values == samples.values
            yield samples.family.name, before if before is not None and same else replace(samples, part=run.kpi)


def _score_samples(evaluation: Evaluation) -> FamilySamples:
    scores = {s.objective: s.score for s in evaluation.objectives if s.score is not None}
    return _samples(naming.OBJECTIVE_SCORE, [(name,) for name in scores], list(scores.values()))


def _number_samples(scope: Scope, values: Sequence[KpiValue]) -> Iterator[FamilySamples]:
    current = [value for value in values if value.status not in WITHHELD]
    for families, eligible in ((_MEASURED, current), (_PLANNED, values)):
        for family, field in families:
            if scope is Scope.COMPANY or family in naming.SCOPED:
                present = [value for value in eligible if getattr(value, field) is not None]
                keys = [_owner_labels(scope, value) for value in present]
                yield _samples(scoped(family, scope), keys, [getattr(value, field) for value in present], scope)


def _status_samples(scope: Scope, values: Sequence[KpiValue]) -> FamilySamples:
    keys: list[LabelValues] = []
    flags: list[float] = []
    for value in values:
        labels = _owner_labels(scope, value)
        keys += [(*labels, name) for name in _STATUSES]
        flags += _ONE_HOT[value.status]
    return _samples(scoped(naming.STATUS, scope), keys, flags, scope)


def _definition_samples(config: Config, evaluation: Evaluation) -> Iterator[FamilySamples]:
    """What is the same for a KPI at every scope, taken from the first scope it is evaluated at."""
    first = {value.kpi: value for value in reversed(evaluation.kpis)}
    kpis = [kpi for kpi in config.kpis if kpi.name in first]
    names = [(kpi.name,) for kpi in kpis]
    values = [first[kpi.name] for kpi in kpis]
    info = [
        (kpi.name, kpi.title, config.unit(kpi), kpi.period, kpi.better, kpi.objective, kpi.department, kpi.owner)
        for kpi in kpis
    ]
    yield _samples(naming.INFO, info, [1.0] * len(kpis))
    yield _samples(naming.PERIOD_START, names, [v.period_start.timestamp() for v in values])
    yield _samples(naming.PERIOD_END, names, [v.period_end.timestamp() for v in values])
    yield _samples(naming.PERIOD_ELAPSED, names, [v.elapsed for v in values])
    as_of = {v.kpi: v.as_of.timestamp() for v in values if v.as_of is not None}
    yield _samples(naming.ASOF, [(name,) for name in as_of], list(as_of.values()))
    due = {kpi.name: at for kpi in kpis if (at := review_due(kpi, config.company.timezone)) is not None}
    yield _samples(naming.REVIEW_DUE, [(name,) for name in due], list(due.values()))


def review_due(kpi: Kpi, zone: ZoneInfo) -> float | None:
    """Unix time of the midnight at which the KPI's definition is due for review; None without a review interval."""
    if kpi.review is None or kpi.reviewed is None:
        return None
    year, month = divmod(kpi.reviewed.year * 12 + kpi.reviewed.month - 1 + _MONTHS[kpi.review], 12)
    day = min(kpi.reviewed.day, monthrange(year, month + 1)[1])
    return datetime(year, month + 1, day, tzinfo=zone).timestamp()


def _owner_labels(scope: Scope, value: KpiValue) -> tuple[str | None, ...]:
    if scope is Scope.COMPANY:
        return (value.kpi,)
    return (value.kpi, value.team) if scope is Scope.TEAM else (value.kpi, value.team, value.person)


def _samples(
    family: Family, keys: Sequence[LabelValues], values: Sequence[float], scope: Scope = Scope.COMPANY
) -> FamilySamples:
    return FamilySamples(family, scope, keys, values, tuple)


def exported(evaluation: Evaluation) -> dict[str, bool]:
    """Whether each KPI exposes data; False if its sources never completed or are stale, or if its evaluation failed."""
    up: dict[str, bool] = dict.fromkeys(evaluation.failed, False)
    for value in evaluation.kpis:
        fresh = value.as_of is not None and value.status is not Status.STALE
        up[value.kpi] = (up.get(value.kpi, False) or fresh) and value.kpi not in evaluation.failed
    return up
