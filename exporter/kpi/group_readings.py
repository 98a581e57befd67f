"""KPI readings by group, computed from answers and reused while the answers stay the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import NamedTuple

from exporter.config.fields import Scope
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.readings import Formula, KpiReading, groups_of, name_of
from exporter.metrics.values import Group, GroupValues, MeasuredValue

AnswersByWindow = Sequence[Sequence[GroupValues]]
"""For each window of a KPI the answers about the metrics of its formula."""

_Finals = Mapping[str | None, KpiReading]
"""The readings of a whole period, by the name of the group."""


class GroupReading(NamedTuple):
    """One group: its reading so far, of the previous period, and of the period that growth is measured against.

    The latter two are None if the group had no records then, or if nothing is measured against them.
    """

    group: Group
    current: KpiReading
    previous: KpiReading | None
    reference: KpiReading | None


@dataclass(frozen=True, slots=True)
class _CachedReadings:
    """The latest readings.

    Formulas and answers of each window, the finals of whole periods, each group's inputs, and the sorted result with
    the position of each group.
    """

    formulas: Sequence[Formula]
    answers: AnswersByWindow
    finals: Sequence[_Finals]
    rows: Mapping[Group, tuple[Sequence[MeasuredValue | None], GroupReading]]
    result: Sequence[GroupReading]
    positions: Mapping[Group, int]


_EMPTY = _CachedReadings((), (), (), {}, (), {})


class GroupReader:
    """Computes KPI values from answers.

    Answers, and numbers in them, that are the same objects as last time are not read again: in a history
    consecutive steps share most of them.
    """

    def __init__(self) -> None:
        self._cache: dict[tuple[str, Scope], _CachedReadings] = {}

    def rows(self, period: KpiPeriod, scope: Scope, by_window: AnswersByWindow) -> Sequence[GroupReading]:
        """A row for each group with records in the period so far or in the previous one, sorted by name."""
        key = period.plan.kpi.name, scope
        cached = self._cache.get(key, _EMPTY)
        if period.formulas != cached.formulas:
            cached = _EMPTY
        if by_window is not cached.answers and not _same(by_window, cached.answers):
            readings = _read_changed(by_window, cached) or _read(period.formulas, by_window, cached)
            cached = self._cache[key] = readings
        return cached.result


def _read(formulas: Sequence[Formula], by_window: AnswersByWindow, cached: _CachedReadings) -> _CachedReadings:
    formula = formulas[0]
    finals = [
        cached.finals[index]
        if cached.finals and _same([answers], [cached.answers[index + 1]])
        else {name_of(group): final.read([answer.get(group) for answer in answers]) for group in groups_of(answers)}
        for index, (final, answers) in enumerate(zip(formulas[1:], by_window[1:], strict=True))
    ]
    previous_rows = cached.rows if cached.finals and all(map(is_, finals, cached.finals)) else {}
    rows = {}
    for group in groups_of(by_window[0], by_window[1]):
        measured = [answer.get(group) for answer in by_window[0]]
        row = previous_rows.get(group)
        if not row or row[0] != measured:
            name = name_of(group)
            reference = finals[1].get(name) if len(finals) > 1 else None
            row = measured, GroupReading(group, formula.read(measured), finals[0].get(name), reference)
        rows[group] = row
    result = sorted((row for _, row in rows.values()), key=lambda row: (row.group.team or "", row.group.person or ""))
    positions = {row.group: index for index, row in enumerate(result)}
    return _CachedReadings(formulas, by_window, finals, rows, result, positions)


def _read_changed(by_window: AnswersByWindow, cached: _CachedReadings) -> _CachedReadings | None:
    """The readings if the same groups have other numbers in the current period and nothing else is different."""
    if not cached.formulas or not _same(by_window[1:], cached.answers[1:]):
        return None
    current = by_window[0]
    changed: dict[Group, None] = {}
    for new, old in zip(current, cached.answers[0], strict=True):
        if new is not old:
            if list(new) != list(old):
                return None
            pairs = zip(new, new.values(), old.values(), strict=True)
            changed |= {group: None for group, value, old_value in pairs if value is not old_value}
    formula, rows, result = cached.formulas[0], dict(cached.rows), list(cached.result)
    for group in changed:
        measured, index = [answer.get(group) for answer in current], cached.positions[group]
        row = GroupReading(group, formula.read(measured), *result[index][2:])
        rows[group], result[index] = (measured, row), row
    return _CachedReadings(cached.formulas, by_window, cached.finals, rows, result, cached.positions)


def _same(answers: AnswersByWindow, cached: AnswersByWindow) -> bool:
    return len(answers) == len(cached) and all(
        new is old
        for window, cached_window in zip(answers, cached, strict=True)
        for new, old in zip(window, cached_window, strict=True)
    )
