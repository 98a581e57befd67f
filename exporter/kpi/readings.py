"""A KPI's value from what its metrics measured: arithmetic on sums, never on values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from exporter.config.expression import Binary, Expression, calculate, divides, metrics_of
from exporter.config.kpis import Kpi
from exporter.config.metrics import Metric, span_of
from exporter.config.root import Config
from exporter.config.units import NUMBER, metric_unit
from exporter.metrics.values import Group, MeasuredValue
from exporter.records import ColumnKind, column

MIN_COVERAGE = 0.5
"""A value that rests on less of its records is withheld."""

_ADDITIVE = {"count", "sum", "distinct"}
_AVERAGED = {"mean", "percentile"}
_ZERO = MeasuredValue(0.0)
_UNKNOWN = MeasuredValue(None)

FormulaInputs = Sequence[MeasuredValue]
"""What each metric of a formula measured, in the order of the formula."""


class KpiReading(NamedTuple):
    """A KPI's value for one group; None if an input is absent or a denominator is 0.

    `sample` is the number of events that the verdict rests on, `coverage` the share of the rows that could be used.
    """

    value: float | None
    sample: float
    coverage: float

    def among(self, dated: float) -> KpiReading:
        """The reading given that only the share `dated` of all records could be read; too little is unknown."""
        coverage = self.coverage * dated
        if dated == 1 and coverage >= MIN_COVERAGE:
            return self
        return KpiReading(self.value if coverage >= MIN_COVERAGE else None, self.sample, coverage)


@dataclass(frozen=True, slots=True)
class Formula:
    """How to compute a KPI from what `metrics` measured. `absent` is what each of them measures without any row."""

    metrics: tuple[str, ...]
    absent: FormulaInputs
    value: Callable[[FormulaInputs], float | None]
    sample: Callable[[FormulaInputs], float]

    def read(self, measured: Iterable[MeasuredValue | None]) -> KpiReading:
        """The reading from what each metric measured, in order; None means no row."""
        inputs = [value or absent for value, absent in zip(measured, self.absent, strict=True)]
        usable_rows = held_out_rows = 0
        for value in inputs:
            usable_rows += value.rows
            held_out_rows += value.held_out
        coverage = usable_rows / (usable_rows + held_out_rows) if held_out_rows else 1.0
        return KpiReading(self.value(inputs), self.sample(inputs), coverage)


def formula_of(config: Config, value: Expression) -> Formula:
    """How to compute a KPI's value."""
    metrics = metrics_of(value)
    aggregates = [config.metric_by_name[name].aggregate for name in metrics]
    return Formula(
        metrics,
        tuple(_ZERO if aggregate in _ADDITIVE else _UNKNOWN for aggregate in aggregates),
        _value_function(value, metrics),
        _sample_function(value, [config.metric_by_name[name] for name in metrics]),
    )


def min_sample(config: Config, kpi: Kpi) -> float:
    """How many events a verdict requires: as configured, else 20 for a share, 5 for any mean, and 0 for the rest.

    A quotient of the same unit is a share in whatever unit it is shown; any other, such as money per deal, is a mean.
    """
    if kpi.min_sample is not None:
        return kpi.min_sample
    if divides(kpi.value):
        return 20 if config.unit(kpi) == "ratio" or config.inferred_unit(kpi) == NUMBER else 5
    aggregates = {config.metric_by_name[name].aggregate for name in metrics_of(kpi.value)}
    return 5 if aggregates & _AVERAGED else 0


def groups_of(answers: Iterable[Iterable[Group]], earlier: Iterable[Iterable[Group]] = ()) -> Iterable[Group]:
    """Every group in any of the answers, which are one per metric.

    A group that occurs only in `earlier` answers has no records yet: its counts and sums are a true 0.
    """
    groups = dict.fromkeys(group for answer in answers for group in answer)
    names = {name_of(group) for group in groups}
    return groups | dict.fromkeys(group for answer in earlier for group in answer if name_of(group) not in names)


def name_of(group: Group) -> str | None:
    """Identifies a group within its scope over time: a person keeps the name when the team changes."""
    return group.person if group.person is not None else group.team


def _value_function(tree: Expression, metrics: Sequence[str]) -> Callable[[FormulaInputs], float | None]:
    def value(inputs: FormulaInputs) -> float | None:
        by_name = {name: _known_value(measured) for name, measured in zip(metrics, inputs, strict=True)}
        result = calculate(tree, by_name.__getitem__)
        return result if result is not None and isfinite(result) else None

    return value if len(metrics) > 1 or isinstance(tree, Binary) else lambda inputs: _known_value(inputs[0])


def _sample_function(tree: Expression, metrics: Sequence[Metric]) -> Callable[[FormulaInputs], float]:
    """Counts the events of the smallest denominator, else of the smallest mean, else of everything."""
    names = [metric.name for metric in metrics]
    samples = [[names.index(name) for name in denominator] for denominator in _denominators(tree)]
    if not samples:
        averaged = [[index] for index, metric in enumerate(metrics) if metric.aggregate in _AVERAGED]
        samples = averaged or [[*range(len(metrics))]]
    counts = [_counted if _sums_events(metric) else _rows for metric in metrics]
    if len(samples) == 1 and len(samples[0]) == 1:
        index = samples[0][0]
        count = counts[index]
        return lambda inputs: count(inputs[index])
    return lambda inputs: min(sum(counts[index](inputs[index]) for index in indexes) for indexes in samples)


def _sums_events(metric: Metric) -> bool:
    """True if a row may stand for many events, such as the visits of a day: a sum of plain numbers with unit count."""
    if metric.sum is None or metric_unit(metric) != "count" or span_of(metric.sum):
        return False
    measured = column(metric.entity, metric.sum)
    return measured is None or measured.kind not in (ColumnKind.MONEY, ColumnKind.SECONDS)


def _rows(measured: MeasuredValue) -> float:
    return measured.rows


def _counted(measured: MeasuredValue) -> float:
    return max(measured.value or 0.0, 0.0)


def _denominators(tree: Expression) -> Iterator[tuple[str, ...]]:
    if isinstance(tree, Binary):
        if tree.operator == "/" and metrics_of(tree.right):
            yield metrics_of(tree.right)
        yield from _denominators(tree.left)
        yield from _denominators(tree.right)


def _known_value(measured: MeasuredValue) -> float | None:
    """The measured value, but None if every row was left out: their sum is unknown rather than 0."""
    return None if measured.held_out and not measured.rows else measured.value
