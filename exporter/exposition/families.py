"""Which samples an evaluation becomes, family by family; names and labels come from naming."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.kpi.values import Evaluation, KpiValue
from exporter.metrics.values import MetricValue
from exporter.naming import Family, metric_family, scoped

LabelValues = tuple[object, ...]

WITHHELD = frozenset({Status.STALE, Status.NO_DATA})
"""A KPI with such a status shows no number that rests on data."""

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

_whose_metric = attrgetter("period", "team", "person", "labels")
_which_metric = attrgetter("metric", "scope")


@dataclass(frozen=True, slots=True)
class Rows:
    """The samples of one family at one scope.

    A key stands for one series; `labels_of` gives its label values in the order of `family.labels`. Keys that are
    equal from one evaluation to the next let the renderer skip everything but the numbers.
    """

    family: Family
    scope: Scope
    keys: Sequence[Hashable]
    values: Sequence[float]
    labels_of: Callable[[Any], LabelValues]


def business_rows(
    config: Config, values: Iterable[MetricValue], known: dict[tuple[str, Scope], Family] | None = None
) -> Iterator[Rows]:
    """One family per metric and scope. `known` keeps their descriptions from one call to the next."""
    known = {} if known is None else known
    groups: dict[tuple[str, Scope], list[MetricValue]] = {}
    for which, run in groupby(values, _which_metric):
        groups.setdefault(which, []).extend(run)
    for (name, scope), samples in groups.items():
        family = known.get((name, scope))
        if family is None:
            family = known[name, scope] = metric_family(config, config.metric_by_name[name], scope)
        keys = list(map(_whose_metric, samples))
        yield Rows(family, scope, keys, [s.value for s in samples], partial(_metric_labels, family.labels))


def _metric_labels(names: tuple[str, ...], key: tuple[Any, ...]) -> LabelValues:
    period, team, person, pairs = key
    known = {"period": period, "team": team, "person": person, **dict(pairs)}
    return tuple(known.get(name, "") for name in names)


def kpi_rows(config: Config, evaluation: Evaluation) -> Iterator[Rows]:
    """The families of KPIs and objectives, in the order in which naming lists them."""
    for scope in Scope:
        values = [value for value in evaluation.kpis if value.scope is scope]
        if values:
            yield from _number_rows(scope, values)
            yield _status_rows(scope, values)
    yield from _definition_rows(config, evaluation)
    scores = {s.objective: s.score for s in evaluation.objectives if s.score is not None}
    yield _plain_rows(naming.OBJECTIVE_SCORE, [(name,) for name in scores], list(scores.values()))


def _number_rows(scope: Scope, values: list[KpiValue]) -> Iterator[Rows]:
    shown = [value for value in values if value.status not in WITHHELD]
    for families, eligible in ((_MEASURED, shown), (_PLANNED, values)):
        for family, field in families:
            if scope is Scope.COMPANY or family in naming.SCOPED:
                numbers = [(_whose(scope, v), getattr(v, field)) for v in eligible if getattr(v, field) is not None]
                yield _plain_rows(scoped(family, scope), [w for w, _ in numbers], [n for _, n in numbers], scope)


def _status_rows(scope: Scope, values: list[KpiValue]) -> Rows:
    keys: list[LabelValues] = []
    flags: list[float] = []
    for value in values:
        whose = _whose(scope, value)
        keys += [(*whose, name) for name in _STATUSES]
        flags += _ONE_HOT[value.status]
    return _plain_rows(scoped(naming.STATUS, scope), keys, flags, scope)


def _definition_rows(config: Config, evaluation: Evaluation) -> Iterator[Rows]:
    """What holds for a KPI at every scope: read from whichever scope it is evaluated at."""
    first = {value.kpi: value for value in reversed(evaluation.kpis)}
    kpis = [kpi for kpi in config.kpis if kpi.name in first]
    names = [(kpi.name,) for kpi in kpis]
    values = [first[kpi.name] for kpi in kpis]
    yield _plain_rows(naming.INFO, [_described(config, kpi) for kpi in kpis], [1.0] * len(kpis))
    yield _plain_rows(naming.PERIOD_START, names, [v.period_start.timestamp() for v in values])
    yield _plain_rows(naming.PERIOD_END, names, [v.period_end.timestamp() for v in values])
    yield _plain_rows(naming.PERIOD_ELAPSED, names, [v.elapsed for v in values])
    known = {v.kpi: v.as_of.timestamp() for v in values if v.as_of is not None}
    yield _plain_rows(naming.ASOF, [(name,) for name in known], list(known.values()))
    due = {kpi.name: at for kpi in kpis if (at := review_due(kpi, config.company.timezone)) is not None}
    yield _plain_rows(naming.REVIEW_DUE, [(name,) for name in due], list(due.values()))


def _described(config: Config, kpi: Kpi) -> LabelValues:
    unit = config.unit(kpi)
    return (kpi.name, kpi.title, unit, kpi.period, kpi.better, kpi.objective, kpi.department, kpi.owner)


def review_due(kpi: Kpi, zone: ZoneInfo) -> float | None:
    """Unix time of the midnight at which the KPI's definition is to be looked at again; None where none is agreed."""
    if kpi.review is None or kpi.reviewed is None:
        return None
    months = kpi.reviewed.year * 12 + kpi.reviewed.month - 1 + _MONTHS[kpi.review]
    for day in range(kpi.reviewed.day, 27, -1):
        try:
            return _midnight(date(months // 12, months % 12 + 1, day), zone)
        except ValueError:
            continue
    return _midnight(date(months // 12, months % 12 + 1, min(kpi.reviewed.day, 28)), zone)


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()


def _whose(scope: Scope, value: KpiValue) -> tuple[str | None, ...]:
    if scope is Scope.COMPANY:
        return (value.kpi,)
    return (value.kpi, value.team) if scope is Scope.TEAM else (value.kpi, value.team, value.person)


def _plain_rows(
    family: Family, keys: Sequence[LabelValues], values: Sequence[float], scope: Scope = Scope.COMPANY
) -> Rows:
    return Rows(family, scope, keys, values, tuple)


def exported(evaluation: Evaluation) -> dict[str, bool]:
    """Whether each KPI shows its data, or is withheld because its sources never completed, are stale, or it failed."""
    shown: dict[str, bool] = dict.fromkeys(evaluation.failed, False)
    for value in evaluation.kpis:
        fresh = value.as_of is not None and value.status is not Status.STALE
        shown[value.kpi] = (shown.get(value.kpi, False) or fresh) and value.kpi not in evaluation.failed
    return shown
