"""Good KPI practice: advice on a config that works, which `check --strict` takes as errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from exporter.config.kpis import Kpi
from exporter.config.positions import Finding, Path
from exporter.config.root import Config
from exporter.config.targets import Goal, Growth
from exporter.errors import Problem

_FEWEST, _MOST = 2, 5
_ENOUGH_STEPS = 4


def problems(config: Config, today: date) -> tuple[Problem, ...]:
    """What good practice asks of a config and does not find; `today` is the company's date."""
    found = [*_objectives(config)]
    for place, kpi in enumerate(config.kpis):
        path: Path = ("kpis", place)
        found += [*_missing(path, kpi), *_review(path, kpi, today), *_target(path, kpi, today)]
    return config.origin.problems(found)


def unseen_step(growth: float, finals: Sequence[float | None]) -> float | None:
    """The greatest relative step that past periods' final values ever made, where `growth` asks for more than it.

    `finals` are in the order of time, None where a period is unknown. Steps are (next - before) / |before|, counted
    in the direction of `growth`. None where the step has been seen, or where there are fewer than four steps to
    learn from.
    """
    steps = [(after - before) / abs(before) for before, after in pairwise(finals) if before and after is not None]
    if len(steps) < _ENOUGH_STEPS or growth == 0:
        return None
    greatest = max(steps) if growth > 0 else min(steps)
    return greatest if abs(growth) > max(greatest if growth > 0 else -greatest, 0.0) else None


def step_problem(config: Config, kpi: Kpi, finals: Sequence[float | None]) -> Problem | None:
    """The problem of a growth target whose step history has never shown; None where there is none."""
    if not isinstance(kpi.target, Growth):
        return None
    greatest = unseen_step(kpi.target.growth, finals)
    if greatest is None:
        return None
    path: Path = ("kpis", config.kpis.index(kpi), "target", "growth")
    message = f"a step of {kpi.target.growth:+.0%} has never been made: the greatest was {greatest:+.0%}"
    return config.origin.problem(path, message, "a target that history makes credible")


def _objectives(config: Config) -> Iterator[Finding]:
    for place, objective in enumerate(config.objectives):
        number = sum(kpi.objective == objective.name for kpi in config.kpis)
        if not _FEWEST <= number <= _MOST:
            message = f"{number} KPI{'' if number == 1 else 's'} for one objective"
            yield Finding(("objectives", place), message, f"{_FEWEST} to {_MOST} can be kept in mind")


def _missing(path: Path, kpi: Kpi) -> Iterator[Finding]:
    if kpi.decision is None:
        yield Finding(path, "no decision is named", "decision: which decision the number helps to make")
    if not kpi.supporting:
        yield Finding(path, "no supporting metrics are named", "supporting: metrics that explain why it moves")
    if kpi.review is None:
        yield Finding(path, "no review is planned", "review: monthly, quarterly or yearly")
    if kpi.target is None:
        yield Finding(path, "there is no target", "target: what is to be reached in a whole period")


def _review(path: Path, kpi: Kpi, today: date) -> Iterator[Finding]:
    if kpi.review is not None and kpi.reviewed is None:
        yield Finding(
            (*path, "review"), "nobody can tell when the next review is due", "reviewed: date of the last one"
        )
    if kpi.reviewed is not None and kpi.reviewed > today:
        yield Finding((*path, "reviewed"), "the last review lies in the future", "the date of a review that was held")
    elif kpi.review_due is not None and kpi.review_due < today:
        message = f"the review was due on {kpi.review_due}"
        yield Finding((*path, "reviewed"), message, "look at it again, then write down the date")


def _target(path: Path, kpi: Kpi, today: date) -> Iterator[Finding]:
    if isinstance(kpi.target, Goal) and kpi.target.by < today:
        message = f"the goal was to be reached by {kpi.target.by}"
        yield Finding((*path, "target", "by"), message, "set the next one")
    if isinstance(kpi.target, tuple):
        general = [entry for entry in kpi.target if entry.team is None and entry.person is None] or kpi.target
        if all(entry.since > today for entry in general):
            yield Finding((*path, "target"), "no target holds yet", "an entry whose since has come")
        elif all(entry.until is not None and entry.until < today for entry in general):
            yield Finding((*path, "target"), "no target holds any more", "an entry for the time from now on")
