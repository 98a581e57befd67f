"""Checks of KPIs: their value can be calculated and has a unit, and their target suits it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from exporter.config.checks.context import CheckContext
from exporter.config.expression import Binary, Expression, Ref, calculate, metrics_of
from exporter.config.fields import Better, Scope
from exporter.config.kpis import Kpi
from exporter.config.messages import comma_separated, nearest, quoted
from exporter.config.metrics import Metric
from exporter.config.positions import Finding, KeyPath
from exporter.config.root import Config
from exporter.config.targets import Band, Goal, Growth
from exporter.config.units import UNITS, metric_unit, unit_in_formulas, unit_of
from exporter.records import person_column

_LARGE_GROWTH = 3.0


def errors(context: CheckContext) -> Iterator[Finding]:
    """Values that cannot be calculated, unsupported scopes, and targets that contradict the KPI."""
    for index, kpi in context.kpis:
        path: KeyPath = ("kpis", index)
        for formula_path, formula in kpi.formulas.with_paths((*path, "value")):
            if not metrics_of(formula):
                yield Finding(formula_path, "the value names no metric", "name at least one metric")
            if _divides_by_zero(formula):
                yield Finding(formula_path, "the value divides by zero", "a division by zero has no result")
        if kpi.target is not None and not isinstance(kpi.target, tuple):
            yield from _direction((*path, "target"), kpi)
    for index, kpi, metrics in context.calculable:
        yield from _units(("kpis", index), kpi, {metric.name: unit_in_formulas(metric) for metric in metrics})
        yield from _kinds(("kpis", index, "value"), kpi, context.config)
        entities = sorted({metric.entity for metric in metrics if person_column(metric.entity) is None})
        for position, scope in enumerate(kpi.scopes):
            if scope is not Scope.COMPANY and entities:
                message = f"{comma_separated(entities)} belong to no person, so there is no value per {scope.value}"
                yield Finding(("kpis", index, "scopes", position), message, "keep only the scope company")


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Misspelt units, guards that never turn red, unknown teams, and improbable targets."""
    for index, metric in context.metrics:
        yield from _unit(("metrics", index, "unit"), metric.unit)
    for index, kpi in context.kpis:
        yield from _unit(("kpis", index, "unit"), kpi.unit)
        guard = context.config.kpi_by_name.get(kpi.guard or "")
        if guard is not None and guard.target is None:
            message = f"{guard.name} has no target, so it never turns red"
            yield Finding(("kpis", index, "guard"), message, "give it a target")
        if Scope.TEAM in kpi.scopes and not context.config.teams and not context.knows_people:
            hint = "define teams, or read the entity people from a source"
            yield Finding(("kpis", index, "scopes"), "no team is known, so there is no value per team", hint)
        yield from _improbable(("kpis", index), kpi)
    for index, kpi, metrics in context.calculable:
        if _is_share(context, kpi, metrics) and any(high > 1 for _, high in target_bounds(kpi)):
            hint = "write a ratio of counts as 0.85, not 85"
            yield Finding(("kpis", index, "target"), "the target of a ratio is above 1", hint)


def _unit(path: KeyPath, unit: str | None) -> Iterator[Finding]:
    near = nearest(unit, UNITS, 0.8) if unit and unit not in UNITS else None
    if unit and near:
        yield Finding(path, f"unit {quoted(unit)} is treated as free text", f"did you mean {near}?")


def _units(path: KeyPath, kpi: Kpi, units: Mapping[str, str]) -> Iterator[Finding]:
    if kpi.unit is not None:
        return
    latest = unit_of(kpi.value, units)
    if latest is None:
        operands = comma_separated(f"{name} in {units[name]}" for name in metrics_of(kpi.value))
        hint = f"add unit: one of {', '.join(UNITS)}, or free text"
        yield Finding(path, f"no unit follows from {operands}", hint)
        return
    for formula_path, formula in kpi.formulas.with_paths((*path, "value")):
        unit = unit_of(formula, units)
        if unit != latest:
            message = f"this formula is in {unit or 'no unit'}, the latest in {latest}"
            yield Finding(formula_path, message, "define another KPI, or add a unit that holds for all of them")


def _kinds(path: KeyPath, kpi: Kpi, config: Config) -> Iterator[Finding]:
    for formula_path, formula in kpi.formulas.with_paths(path):
        if config.kind(formula) != config.kind(kpi.value):
            message = f"this formula is a {config.kind(formula)}, the latest a {config.kind(kpi.value)}"
            yield Finding(formula_path, message, "define another KPI: a target suits one of them only")


def _divides_by_zero(tree: Expression) -> bool:
    if not isinstance(tree, Binary):
        return False
    divisor = calculate(tree.right, lambda _: None) if tree.operator == "/" else None
    return divisor == 0 or _divides_by_zero(tree.left) or _divides_by_zero(tree.right)


def _improbable(path: KeyPath, kpi: Kpi) -> Iterator[Finding]:
    if kpi.better is not Better.WITHIN and isinstance(kpi.target, Band):
        yield Finding((*path, "better"), "a range can be missed on both sides", "write better: within")
    if isinstance(kpi.target, Growth) and abs(kpi.target.growth) > _LARGE_GROWTH:
        growth = kpi.target.growth
        hint = f"for {growth:g} percent, write {growth:g}%"
        yield Finding((*path, "target", "growth"), f"growth of {growth:g} is {growth:.0%}", hint)
    if kpi.scale is None and any(low == high == 0 for low, high in target_bounds(kpi)):
        hint = "add scale: the deviation that counts as a complete miss"
        yield Finding((*path, "target"), "there is no ratio to a target of 0", hint)


def target_bounds(kpi: Kpi) -> list[tuple[float, float]]:
    """(low, high) of every target; both are equal if the target is a number."""
    if isinstance(kpi.target, tuple):
        numbers = [number for entry in kpi.target for number in (entry.value, entry.per_team, entry.per_person)]
        ranges = [entry.within for entry in kpi.target if entry.within is not None]
        return [*ranges, *((number, number) for number in numbers if number is not None)]
    if isinstance(kpi.target, Band):
        return [kpi.target.within]
    if isinstance(kpi.target, Goal):
        return [(kpi.target.to, kpi.target.to)]
    return [(kpi.target, kpi.target)] if isinstance(kpi.target, float) else []


def _is_share(context: CheckContext, kpi: Kpi, metrics: tuple[Metric, ...]) -> bool:
    if context.config.unit(kpi) == "ratio":
        return len(metrics) > 1 and all(metric_unit(metric) == "count" for metric in metrics)
    return kpi.unit is None and divides_rows_of_one_entity(kpi, metrics)


def divides_rows_of_one_entity(kpi: Kpi, metrics: Collection[Metric]) -> bool:
    """True for the number of some rows divided by the number of others of the same entity: probably a share."""
    quotient = isinstance(kpi.value, Binary) and kpi.value.operator == "/" and isinstance(kpi.value.left, Ref)
    return quotient and all(metric.count for metric in metrics) and len({metric.entity for metric in metrics}) == 1


def _direction(path: KeyPath, kpi: Kpi) -> Iterator[Finding]:
    if kpi.better is Better.WITHIN and not isinstance(kpi.target, Band):
        yield Finding(path, "better is within, but the target is not a range", "write {within: [low, high]}")
    elif isinstance(kpi.target, Goal) and (kpi.target.to > kpi.target.from_) is not (kpi.better is Better.HIGHER):
        direction = "up" if kpi.target.to > kpi.target.from_ else "down"
        message = f"the goal leads {direction}, but better is {kpi.better.value}"
        yield Finding(path, message, "swap from and to, or change better")
