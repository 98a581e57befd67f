"""A KPI's value from what its metrics measured: arithmetic over sums, never over values (design 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from exporter.config.expression import Binary, Expression, calculate, divides, metrics_of
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.metrics.values import Group, Measured

_ADDITIVE = {"count", "sum", "distinct"}
_AVERAGED = {"mean", "percentile"}
_NOTHING = Measured(0.0)
_UNKNOWN = Measured(None)

Answer = Mapping[Group, Measured]
"""What one metric measured, by group."""

Parts = Sequence[Measured]
"""What each metric of a formula measured, in the formula's order."""


class Reading(NamedTuple):
    """A KPI's value for one group; None where a part is absent or a denominator is 0.

    `sample` is the number of rows that the verdict rests on, `coverage` the share of the rows that could be used.
    """

    value: float | None
    sample: int
    coverage: float


@dataclass(frozen=True, slots=True)
class Formula:
    """How a KPI is read from what `metrics` measured. `absent` is what each of them measures over no row at all."""

    metrics: tuple[str, ...]
    absent: Parts
    value: Callable[[Parts], float | None]
    sample: Callable[[Parts], int]

    def read(self, measured: Iterable[Measured | None]) -> Reading:
        """The reading from what each metric measured, in order; None stands for no row."""
        parts = [given or absent for given, absent in zip(measured, self.absent, strict=True)]
        return Reading(self.value(parts), self.sample(parts), _coverage(parts))


def formula_of(config: Config, kpi: Kpi) -> Formula:
    """The formula of a KPI's value."""
    metrics = metrics_of(kpi.value)
    aggregates = [config.metric_by_name[name].aggregate for name in metrics]
    return Formula(
        metrics,
        tuple(_NOTHING if kind in _ADDITIVE else _UNKNOWN for kind in aggregates),
        _valued(kpi.value, metrics),
        _sampled(kpi.value, metrics, aggregates),
    )


def min_sample(config: Config, kpi: Kpi) -> float:
    """How many rows a verdict needs: as named, else 20 for a share, 5 for a mean of any sort, 0 for the rest.

    A quotient in another unit than `ratio` (money per deal) is a mean (maths 8.8).
    """
    if kpi.min_sample is not None:
        return kpi.min_sample
    if divides(kpi.value):
        return 20 if config.unit(kpi) == "ratio" else 5
    kinds = {config.metric_by_name[name].aggregate for name in metrics_of(kpi.value)}
    return 5 if kinds & _AVERAGED else 0


def entities_of(config: Config, metrics: Iterable[str]) -> frozenset[str]:
    """The entities whose records some metrics are measured on."""
    return frozenset(config.metric_by_name[name].entity for name in metrics)


def groups_of(answers: Iterable[Answer], earlier: Iterable[Answer] = ()) -> Iterable[Group]:
    """Every group that any of the answers knows, one answer for each metric.

    A group that only `earlier` answers know has had nothing yet: its counts and sums are a true 0.
    """
    groups = dict.fromkeys(group for answer in answers for group in answer)
    known = {name_of(group) for group in groups}
    return groups | dict.fromkeys(group for answer in earlier for group in answer if name_of(group) not in known)


def name_of(group: Group) -> str | None:
    """What tells a group from the others of its scope, over time too: a person keeps it when the team changes."""
    return group.person if group.person is not None else group.team


def _valued(tree: Expression, metrics: Sequence[str]) -> Callable[[Parts], float | None]:
    def value(parts: Parts) -> float | None:
        known = {name: _known(part) for name, part in zip(metrics, parts, strict=True)}
        result = calculate(tree, known.__getitem__)
        return result if result is not None and isfinite(result) else None

    return value if len(metrics) > 1 or isinstance(tree, Binary) else lambda parts: _known(parts[0])


def _sampled(tree: Expression, metrics: Sequence[str], aggregates: Sequence[str]) -> Callable[[Parts], int]:
    """The rows of the smallest denominator, else of the smallest mean, else of everything."""
    samples = [[metrics.index(name) for name in names] for names in _denominators(tree)]
    if not samples:
        samples = [[place] for place, kind in enumerate(aggregates) if kind in _AVERAGED] or [[*range(len(metrics))]]
    if len(samples) == 1 and len(samples[0]) == 1:
        place = samples[0][0]
        return lambda parts: parts[place].rows
    return lambda parts: min(sum(parts[place].rows for place in places) for places in samples)


def _denominators(tree: Expression) -> Iterator[tuple[str, ...]]:
    if isinstance(tree, Binary):
        if tree.operator == "/" and metrics_of(tree.right):
            yield metrics_of(tree.right)
        yield from _denominators(tree.left)
        yield from _denominators(tree.right)


def _known(part: Measured) -> float | None:
    """What was measured, unless every row had to be left out: their sum is not 0 but unknown."""
    return None if part.held_out and not part.rows else part.value


def _coverage(parts: Parts) -> float:
    usable = held_out = 0
    for part in parts:
        usable += part.rows
        held_out += part.held_out
    return usable / (usable + held_out) if held_out else 1.0
