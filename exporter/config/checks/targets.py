"""Targets: of a form that goes with the KPI, reachable, and one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from exporter.config.checks.view import View
from exporter.config.fields import Better, Scope
from exporter.config.kpis import Kpi
from exporter.config.messages import suggestion
from exporter.config.metrics import Metric
from exporter.config.positions import Finding, Path
from exporter.config.targets import Band, Entry, Goal, Growth

_LARGE_STEP = 3.0


def errors(view: View) -> Iterator[Finding]:
    """Targets that contradict the KPI's direction or scopes, and entries of which two hold at once."""
    for place, kpi in view.kpis:
        path: Path = ("kpis", place, "target")
        if isinstance(kpi.target, tuple):
            yield from _entries(path, kpi, kpi.target, view)
        elif kpi.target is not None:
            yield from _direction(path, kpi)


def warnings(view: View) -> Iterator[Finding]:
    """Targets that are allowed and seldom meant."""
    for place, kpi in view.kpis:
        path: Path = ("kpis", place, "target")
        if kpi.better is not Better.WITHIN and isinstance(kpi.target, Band):
            yield Finding(("kpis", place, "better"), "a range is missed on both sides", "better: within says so")
        if isinstance(kpi.target, Growth) and abs(kpi.target.growth) > _LARGE_STEP:
            message = f"growth of {kpi.target.growth:g} is {kpi.target.growth:.0%}"
            yield Finding((*path, "growth"), message, f"{kpi.target.growth:g}% is written with its sign")
        if kpi.scale is None and any(low == high == 0 for low, high in _ends(kpi)):
            cure = "give scale: the miss that counts as fully failed"
            yield Finding(path, "no ratio can be formed against a target of 0", cure)
    for place, kpi, metrics in view.calculable:
        if _is_share(view, kpi, metrics) and any(high > 1 for _, high in _ends(kpi)):
            cure = "a ratio of counts is written as 0.85, not 85"
            yield Finding(("kpis", place, "target"), "the target of a ratio is above 1", cure)


def _ends(kpi: Kpi) -> list[tuple[float, float]]:
    """(low, high) of every number to be reached; equal where it is one number."""
    if isinstance(kpi.target, tuple):
        return [entry.within or (entry.value or 0.0, entry.value or 0.0) for entry in kpi.target]
    if isinstance(kpi.target, Band):
        return [kpi.target.within]
    if isinstance(kpi.target, Goal):
        return [(kpi.target.to, kpi.target.to)]
    return [(kpi.target, kpi.target)] if isinstance(kpi.target, float) else []


def _is_share(view: View, kpi: Kpi, metrics: tuple[Metric, ...]) -> bool:
    counts = all(view.config.metric_unit(metric) == "count" for metric in metrics)
    return counts and len(metrics) > 1 and view.config.unit(kpi) == "ratio"


def _direction(path: Path, kpi: Kpi) -> Iterator[Finding]:
    if kpi.better is Better.WITHIN and not isinstance(kpi.target, Band):
        yield Finding(path, "better is within, and the target is no range", "{within: [low, high]}")
    elif isinstance(kpi.target, Goal) and (kpi.target.to > kpi.target.from_) is not (kpi.better is Better.HIGHER):
        way = "up" if kpi.target.to > kpi.target.from_ else "down"
        message = f"the goal leads {way}, and better is {kpi.better.value}"
        yield Finding(path, message, "exchange from and to, or turn better round")


def _entries(path: Path, kpi: Kpi, entries: tuple[Entry, ...], view: View) -> Iterator[Finding]:
    seen: dict[tuple[str | None, str | None, date], int] = {}
    for position, entry in enumerate(entries):
        at = (*path, position)
        first = seen.setdefault((entry.team, entry.person, entry.since), position)
        if first != position:
            cure = f"give it another since than target[{first}], or take one of them out"
            yield Finding(at, "two entries hold for the same from the same day on", cure)
        if (entry.within is not None) is not (kpi.better is Better.WITHIN):
            form = "within: [low, high]" if kpi.better is Better.WITHIN else "value: NUMBER"
            yield Finding(at, f"better is {kpi.better.value}, and the entry is of the other form", form)
        yield from _whose(at, entry, kpi, view)


def _whose(path: Path, entry: Entry, kpi: Kpi, view: View) -> Iterator[Finding]:
    for scope, name in ((Scope.TEAM, entry.team), (Scope.PERSON, entry.person)):
        if name is not None and scope not in kpi.scopes:
            message = f"the entry is for a {scope.value}, and scopes has no {scope.value}"
            yield Finding((*path, scope.value), message, f"add {scope.value} to scopes, or take the entry out")
    teams = view.names("teams")
    if entry.team is not None and entry.team not in teams and not view.knows_people and "teams" not in view.lost:
        cure = suggestion(entry.team, teams, "teams defined") or "no team is defined, and no source reads people"
        yield Finding((*path, "team"), "there is no such team", cure)
