"""Turns an evaluation into samples, family by family; names and labels come from `naming`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.exposition.series_tables import (
    LabelValues,
    R,
    SeriesTable,
    definition_table,
    info_table,
    kpi_table,
    metric_labels,
    score_table,
)
from exporter.kpi.values import Evaluation, KpiValue
from exporter.metrics.values import MetricValue
from exporter.naming import Family, metric_family

_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}

_series_key = attrgetter("period", "team", "person", "labels")
_family_key = attrgetter("metric", "scope")


@dataclass(frozen=True, slots=True)
class FamilySamples:
    """The samples of one family at one scope.

    A key identifies one series; `labels_of` gives its label values in the order of `family.labels`. If the keys equal
    those of the previous evaluation, the renderer writes only the numbers.
    """

    family: Family
    scope: Scope
    keys: Sequence[Hashable]
    values: Sequence[float]
    labels_of: Callable[[Any], LabelValues]


def business_samples(config: Config, values: Iterable[MetricValue]) -> Iterator[FamilySamples]:
    """One family per metric and scope."""
    by_family: dict[tuple[str, Scope], list[MetricValue]] = {}
    for key, samples in groupby(values, _family_key):
        by_family.setdefault(key, []).extend(samples)
    for (metric, scope), members in by_family.items():
        yield _metric_samples(metric_family(config, config.metric_by_name[metric], scope), scope, members)


def _metric_samples(family: Family, scope: Scope, samples: Sequence[MetricValue]) -> FamilySamples:
    keys = list(map(_series_key, samples))
    return FamilySamples(family, scope, keys, [s.value for s in samples], partial(metric_labels, family.labels))


def kpi_samples(config: Config, evaluation: Evaluation) -> Iterator[FamilySamples]:
    """The families of KPIs and objectives, in the order of `naming`."""
    for scope in Scope:
        values = [value for value in evaluation.kpis if value.scope is scope]
        if values:
            yield from _table_samples(kpi_table(scope), values)
    if evaluation.restated:
        keys = [(restated.kpi, restated.period) for restated in evaluation.restated]
        values_of_restated = [restated.value for restated in evaluation.restated]
        yield FamilySamples(naming.RESTATED_VALUE, Scope.COMPANY, keys, values_of_restated, tuple)
    yield from signal_samples(evaluation)
    first = first_values(config, evaluation.kpis)
    yield from _table_samples(info_table(kpi_info(config)), first)
    yield from _table_samples(definition_table(reviews_due(config)), first)
    yield from _table_samples(score_table(), evaluation.objectives)


def signal_samples(evaluation: Evaluation) -> Iterator[FamilySamples]:
    """What only alerts need. Streaks of a KPI whose data is too old are left out."""
    signals, up = evaluation.signals, exported(evaluation)
    emails = [(pair, 1.0) for pair in signals.emails.items()]
    streaks = [(kpi, streak) for kpi, streak in signals.streaks.items() if up.get(kpi)]
    tables: tuple[tuple[Family, Scope, Sequence[tuple[LabelValues, float | None]]], ...] = (
        (naming.PERSON_EMAIL, Scope.PERSON, emails),
        (naming.TARGET_MISSED, Scope.COMPANY, [((kpi,), streak.missed) for kpi, streak in streaks]),
        (naming.TARGET_EXCEEDED, Scope.COMPANY, [((kpi,), streak.exceeded) for kpi, streak in streaks]),
        (naming.BURN_RATE, Scope.COMPANY, [((each.kpi, each.window), each.rate) for each in signals.burn_rates]),
        (naming.BURN_LIMIT, Scope.COMPANY, [((each.kpi, each.window), each.limit) for each in signals.burn_rates]),
        (naming.DRIVER_VALUE, Scope.COMPANY, [((each.metric,), each.value) for each in signals.drivers]),
        (naming.DRIVER_LOW, Scope.COMPANY, [((each.metric,), each.low) for each in signals.drivers]),
        (naming.DRIVER_HIGH, Scope.COMPANY, [((each.metric,), each.high) for each in signals.drivers]),
    )
    for family, scope, samples in tables:
        present = [(key, value) for key, value in samples if value is not None]
        if present:
            yield FamilySamples(family, scope, [key for key, _ in present], [value for _, value in present], tuple)


def _table_samples(table: SeriesTable[R], rows: Sequence[R]) -> Iterator[FamilySamples]:
    """The families of a table with their samples, row by row."""
    owners = [table.labels_of(table.key_of(row)) for row in rows]
    cells = list(map(table.cells_of, rows))
    for family, indexes in table.families():
        labels = [table.columns[index].labels for index in indexes]
        if labels == [()]:
            (index,) = indexes
            keys = [owner for owner, row in zip(owners, cells, strict=True) if row[index] is not None]
        else:
            keys = [
                (*owner, *more)
                for owner, row in zip(owners, cells, strict=True)
                for index, more in zip(indexes, labels, strict=True)
                if row[index] is not None
            ]
        values = [value for row in cells for index in indexes if (value := row[index]) is not None]
        yield FamilySamples(family, table.scope, keys, values, tuple)


def first_values(config: Config, values: Sequence[KpiValue]) -> list[KpiValue]:
    """The value of each KPI at the first scope it is evaluated at, in the order of the config."""
    first = {value.kpi: value for value in reversed(values)}
    return [first[kpi.name] for kpi in config.kpis if kpi.name in first]


def kpi_info(config: Config) -> dict[str, LabelValues]:
    """The label values of `kpi_info`, by the name of the KPI."""
    return {
        kpi.name: (
            kpi.name, kpi.title, config.unit(kpi), kpi.period, kpi.better, kpi.objective, kpi.department, kpi.owner,
            kpi.guard or "",
        )
        for kpi in config.kpis
    }  # fmt: skip


def reviews_due(config: Config) -> dict[str, float]:
    """When each KPI with a review interval is due for review, by its name."""
    due = {kpi.name: review_due(kpi, config.company.timezone) for kpi in config.kpis}
    return {name: at for name, at in due.items() if at is not None}


def review_due(kpi: Kpi, zone: ZoneInfo) -> float | None:
    """Unix time of the midnight at which the KPI's definition is due for review; None without a review interval."""
    if kpi.review is None or kpi.reviewed is None:
        return None
    year, month = divmod(kpi.reviewed.year * 12 + kpi.reviewed.month - 1 + _MONTHS[kpi.review], 12)
    day = min(kpi.reviewed.day, monthrange(year, month + 1)[1])
    return datetime(year, month + 1, day, tzinfo=zone).timestamp()


def exported(evaluation: Evaluation) -> dict[str, bool]:
    """Whether each KPI exposes data; False if its sources never completed or are stale, or if its evaluation failed."""
    up: dict[str, bool] = dict.fromkeys(evaluation.failed, False)
    for value in evaluation.kpis:
        fresh = value.as_of is not None and value.status is not Status.STALE
        up[value.kpi] = (up.get(value.kpi, False) or fresh) and value.kpi not in evaluation.failed
    return up
