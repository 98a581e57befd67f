"""What is exposed of an evaluation as tables: a row for each owner, and in each cell the number of one series."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

from exporter import naming
from exporter.config.fields import Period, Scope, Status
from exporter.config.root import Config
from exporter.kpi.calendar import TimeLeft
from exporter.kpi.values import KpiValue, ObjectiveScore
from exporter.metrics.values import Group, MetricValue, Window
from exporter.naming import Family, metric_family, scoped

R = TypeVar("R")

Cells = Sequence[float | None]
"""The numbers of one row; None where there is no sample."""

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
_ONE_HOT = {status: tuple(float(status is other) for other in Status) for status in Status}
_OWNER = {Scope.COMPANY: (), Scope.TEAM: ("team",), Scope.PERSON: ("team", "person")}


@dataclass(frozen=True, slots=True)
class Column:
    """The family of a column's series, and their label values after those of the row."""

    family: Family
    labels: LabelValues = ()


@dataclass(frozen=True, slots=True)
class SeriesTable(Generic[R]):
    """How rows of one kind become samples.

    `key_of` identifies a row, and `labels_of` gives the label values of a key in the order of the family's labels.
    `cells_of` gives a number or None for each column. Columns of one family are adjacent.
    """

    columns: tuple[Column, ...]
    key_of: Callable[[R], Any]
    cells_of: Callable[[R], Cells]
    labels_of: Callable[[Any], LabelValues] = tuple
    scope: Scope = Scope.COMPANY

    def labels(self, key: Hashable, column: Column) -> LabelValues:
        """The label values of the series in a row and a column."""
        return *self.labels_of(key), *column.labels

    def families(self) -> list[tuple[Family, list[int]]]:
        """Each family with the indexes of its columns."""
        indexes = range(len(self.columns))
        grouped = groupby(indexes, key=lambda index: self.columns[index].family)
        return [(family, list(members)) for family, members in grouped]


def metric_table(config: Config, metric: str, scope: Scope) -> SeriesTable[MetricValue]:
    """The samples of a metric at a scope."""
    family = metric_family(config, config.metric_by_name[metric], scope)
    key_of, labels_of = attrgetter("period", "team", "person", "labels"), partial(metric_labels, family.labels)
    value = MetricValue._fields.index("value")
    return SeriesTable((Column(family),), key_of, itemgetter(slice(value, value + 1)), labels_of, scope)


def metric_key(period: Period | None, group: Group, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The key of a group's sample in a table of a metric, whose labels have these names."""
    return period, group.team, group.person, tuple(zip(names, group.labels, strict=True))


def metric_labels(names: tuple[str, ...], key: tuple[Any, ...]) -> LabelValues:
    """The label values of a sample with this period, team, person and further labels."""
    period, team, person, pairs = key
    labels = {"period": period, "team": team, "person": person, **dict(pairs)}
    return tuple(labels.get(name, "") for name in names)


def kpi_table(scope: Scope) -> SeriesTable[KpiValue]:
    """The numbers and the status of KPIs at a scope: what is measured, what is planned, and a flag for each status."""
    measured, planned = (
        [(scoped(family, scope), field) for family, field in families if _has(scope, family)]
        for families in (_MEASURED, _PLANNED)
    )
    numbers = itemgetter(*(KpiValue._fields.index(field) for _, field in (*measured, *planned)))
    withheld = (None,) * len(measured)

    def cells(value: KpiValue) -> Cells:
        row: tuple[float | None, ...] = numbers(value)
        if value.status in WITHHELD:
            row = withheld + row[len(withheld) :]
        return row + _ONE_HOT[value.status]

    status = scoped(naming.STATUS, scope)
    columns = [Column(family) for family, _ in (*measured, *planned)]
    return SeriesTable(
        (*columns, *(Column(status, (name.value,)) for name in Status)), _owner_key(scope), cells, tuple, scope
    )


def _has(scope: Scope, family: Family) -> bool:
    return scope is Scope.COMPANY or family in naming.SCOPED


def _owner_key(scope: Scope) -> Callable[[KpiValue], LabelValues]:
    if scope is Scope.COMPANY:
        return lambda value: (value.kpi,)
    return attrgetter("kpi", *_OWNER[scope])


def info_table(info: Mapping[str, LabelValues]) -> SeriesTable[KpiValue]:
    """What KPIs are; `info` has the label values of each by its name."""
    return SeriesTable((Column(naming.INFO),), lambda value: info[value.kpi], lambda _: (1.0,))


def definition_table(review_due: Mapping[str, float]) -> SeriesTable[KpiValue]:
    """What is the same for a KPI at every scope: its period, the time left in it, its age and the end of its review.

    `review_due` gives that end by the KPI's name.
    """
    bounds = map(Column, (naming.PERIOD_START, naming.PERIOD_END, naming.PERIOD_ELAPSED))
    remaining = (Column(naming.PERIOD_LEFT, (unit,)) for unit in naming.TIME_UNITS)
    instants = map(Column, (naming.ASOF, naming.REVIEW_DUE))

    def cells(value: KpiValue) -> Cells:
        window = Window(value.period_start, value.period_end)
        return definition_cells(window, value.elapsed, value.time_left, value.as_of, review_due.get(value.kpi))

    return SeriesTable((*bounds, *remaining, *instants), lambda value: (value.kpi,), cells)


def definition_cells(
    period: Window, elapsed: float, time_left: TimeLeft, as_of: datetime | None, review_due: float | None
) -> Cells:
    """The numbers of a row of `definition_table`."""
    known_until = None if as_of is None else as_of.timestamp()
    remaining = (time_left.amount if unit == time_left.unit else None for unit in naming.TIME_UNITS)
    return period.start.timestamp(), period.end.timestamp(), elapsed, *remaining, known_until, review_due


def score_table() -> SeriesTable[ObjectiveScore]:
    """The scores of objectives."""
    return SeriesTable(
        (Column(naming.OBJECTIVE_SCORE),), lambda score: (score.objective,), lambda score: (score.score,)
    )
