"""What KPIs calculate: that it can be known, in which unit, and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.view import View
from exporter.config.expression import Binary, Expression, calculate, metrics_of
from exporter.config.fields import Scope
from exporter.config.messages import listed, nearest, quoted
from exporter.config.positions import Finding, Path
from exporter.config.units import UNITS, metric_unit, unit_of
from exporter.records import person_column


def errors(view: View) -> Iterator[Finding]:
    """Values without a metric, divided by zero or without a unit; scopes of records that belong to nobody."""
    for place, kpi in view.kpis:
        if not metrics_of(kpi.value):
            yield Finding(("kpis", place, "value"), "the value names no metric", "a KPI measures something")
        if _divides_by_zero(kpi.value):
            yield Finding(("kpis", place, "value"), "the value divides by zero", "it would never be known")
    for place, kpi, metrics in view.calculable:
        units = {metric.name: metric_unit(metric) for metric in metrics}
        if kpi.unit is None and unit_of(kpi.value, lambda name: units[name]) is None:  # noqa: B023  # used at once
            parts = listed(f"{name} in {unit}" for name, unit in units.items())
            cure = f"add unit: one of {', '.join(UNITS)}, or your own word"
            yield Finding(("kpis", place), f"no unit follows from {parts}", cure)
        nobodys = sorted({metric.entity for metric in metrics if person_column(metric.entity) is None})
        for position, scope in enumerate(kpi.scopes):
            if scope is not Scope.COMPANY and nobodys:
                message = f"{listed(nobodys)} belong to nobody, so there is no value per {scope.value}"
                yield Finding(("kpis", place, "scopes", position), message, "keep the scope company")


def warnings(view: View) -> Iterator[Finding]:
    """Units that look misspelt, guards that never turn red, teams that nothing knows."""
    for place, metric in view.metrics:
        yield from _misspelt(("metrics", place, "unit"), metric.unit)
    for place, kpi in view.kpis:
        yield from _misspelt(("kpis", place, "unit"), kpi.unit)
    known = view.config.kpi_by_name
    for place, kpi in view.kpis:
        if kpi.guard in known and known[kpi.guard].target is None:
            yield Finding(("kpis", place, "guard"), f"{kpi.guard} has no target, so it never turns red", "give it one")
        if Scope.TEAM in kpi.scopes and not view.config.teams and not view.knows_people:
            cure = "define teams, or read the entity people from a source"
            yield Finding(("kpis", place, "scopes"), "no team is known, so there is no value per team", cure)


def _misspelt(path: Path, unit: str | None) -> Iterator[Finding]:
    near = nearest(unit, UNITS, 0.8) if unit and unit not in UNITS else None
    if unit and near:
        yield Finding(path, f"unit {quoted(unit)} is taken as free text", f"did you mean {near}?")


def _divides_by_zero(tree: Expression) -> bool:
    if not isinstance(tree, Binary):
        return False
    divisor = calculate(tree.right, lambda _: None) if tree.operator == "/" else None
    return divisor == 0 or _divides_by_zero(tree.left) or _divides_by_zero(tree.right)
