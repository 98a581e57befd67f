"""Good KPI practice: warnings about a valid config, which `check --strict` treats as errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from exporter.config.fields import Period
from exporter.config.kpis import Kpi
from exporter.config.positions import Finding, KeyPath
from exporter.config.root import Config
from exporter.config.targets import Goal, Growth, Reference
from exporter.errors import Problem

_MIN_KPIS, _MAX_KPIS = 2, 5
_MIN_STEPS = 4
"""Steps between past periods that are needed to judge a growth target."""
_PERIODS_PER_YEAR = {Period.DAY: 365, Period.WEEK: 52, Period.MONTH: 12, Period.QUARTER: 4, Period.YEAR: 1}


def problems(config: Config, today: date) -> tuple[Problem, ...]:
    """Warnings about KPI practice; `today` is a date in the company's time zone."""
    findings = [*_objectives(config)]
    for index, kpi in enumerate(config.kpis):
        path: KeyPath = ("kpis", index)
        findings += [*_missing(path, kpi), *_review(path, kpi, today), *_target(path, kpi, today)]
    return config.origin.problems(findings)


def step_distance(kpi: Kpi) -> int:
    """The number of periods between the two values that a growth target compares; 1 for any other target."""
    is_yearly = isinstance(kpi.target, Growth) and kpi.target.over is Reference.SAME_LAST_YEAR
    return _PERIODS_PER_YEAR[kpi.period] if is_yearly else 1


def greatest_step(growth: float, finals: Sequence[float | None], distance: int = 1) -> float | None:
    """The greatest relative step between past periods, if `growth` asks for more than that; otherwise None.

    `finals` are final values in order of time, None for an unknown period. A step is (later - earlier) / |earlier|,
    in the direction of `growth`, between periods that are `distance` apart. With fewer than four steps the result is
    None too.
    """
    pairs = zip(finals, finals[distance:], strict=False)
    steps = [(later - earlier) / abs(earlier) for earlier, later in pairs if earlier and later is not None]
    if len(steps) < _MIN_STEPS or growth == 0:
        return None
    greatest = max(steps) if growth > 0 else min(steps)
    return greatest if abs(growth) > max(greatest if growth > 0 else -greatest, 0.0) else None


def step_problem(config: Config, kpi: Kpi, finals: Sequence[float | None]) -> Problem | None:
    """The warning that a growth target asks for a larger step than any past period made; None if it does not.

    `finals` are the final values of past periods, as for greatest_step.
    """
    if not isinstance(kpi.target, Growth):
        return None
    greatest = greatest_step(kpi.target.growth, finals, step_distance(kpi))
    if greatest is None:
        return None
    path: KeyPath = ("kpis", config.kpis.index(kpi), "target", "growth")
    message = f"no past period made a step of {kpi.target.growth:+.0%}: the greatest was {greatest:+.0%}"
    return config.origin.problem(path, message, "set a target that history makes credible")


def _objectives(config: Config) -> Iterator[Finding]:
    for index, objective in enumerate(config.objectives):
        count = sum(kpi.objective == objective.name for kpi in config.kpis)
        if not _MIN_KPIS <= count <= _MAX_KPIS:
            message = f"{count} KPI{'' if count == 1 else 's'} for one objective"
            yield Finding(("objectives", index), message, f"use {_MIN_KPIS} to {_MAX_KPIS}")


def _missing(path: KeyPath, kpi: Kpi) -> Iterator[Finding]:
    if kpi.decision is None:
        yield Finding(path, "no decision is named", "decision: the decision that this KPI supports")
    if not kpi.supporting:
        yield Finding(path, "no supporting metrics are named", "supporting: metrics that explain why it changes")
    if kpi.review is None:
        yield Finding(path, "no review is planned", "review: monthly, quarterly or yearly")
    if kpi.target is None:
        yield Finding(path, "there is no target", "target: the value to reach in a whole period")


def _review(path: KeyPath, kpi: Kpi, today: date) -> Iterator[Finding]:
    if kpi.review is not None and kpi.reviewed is None:
        yield Finding((*path, "review"), "the date of the next review is unknown", "reviewed: date of the last review")
    if kpi.reviewed is not None and kpi.reviewed > today:
        yield Finding((*path, "reviewed"), "the last review is in the future", "write the date of a past review")
    elif kpi.review_due is not None and kpi.review_due < today:
        message = f"the review was due on {kpi.review_due}"
        yield Finding((*path, "reviewed"), message, "review the KPI, then update the date")


def _target(path: KeyPath, kpi: Kpi, today: date) -> Iterator[Finding]:
    if isinstance(kpi.target, Goal) and kpi.target.by < today:
        yield Finding((*path, "target", "by"), f"the goal was due by {kpi.target.by}", "set the next goal")
    if isinstance(kpi.target, tuple):
        general = [entry for entry in kpi.target if entry.team is None and entry.person is None] or kpi.target
        if all(entry.since > today for entry in general):
            yield Finding((*path, "target"), "no target applies yet", "add an entry that has started")
        elif all(entry.until is not None and entry.until < today for entry in general):
            yield Finding((*path, "target"), "no target applies any more", "add an entry for the current period")
