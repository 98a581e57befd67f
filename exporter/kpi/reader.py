"""Readings of KPIs out of answers, without doing again what the same answers already gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exporter.config.fields import Scope
from exporter.kpi.moment import Moment
from exporter.kpi.readings import Formula, Reading, name_of, readings
from exporter.metrics.values import Answers, Group, Measured

_Given = Sequence[Sequence[Mapping[Group, Measured]]]


class Row(NamedTuple):
    """One group: the period to date, and the finals of the period before and of the one growth is measured against.

    A final is None where the group had no record then, or where nothing is measured against it.
    """

    group: Group
    now: Reading
    previous: Reading | None
    reference: Reading | None


class Reader:
    """Reads KPI values from answers.

    Answers that are the same objects as last time give the same rows again without reading them: over a history
    most answers of one step are those of the step before.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Scope], tuple[_Given, list[Row]]] = {}
        self._finals: dict[tuple[str, Scope, int], tuple[_Given, Mapping[str | None, Reading]]] = {}

    def rows(self, moment: Moment, scope: Scope, answers: Answers) -> list[Row]:
        """A row for every group that had records in the period to date or in the one before, in order of name."""
        key = moment.plan.kpi.name, scope
        given = [[answers[question] for question in asked] for asked in moment.asked(scope)]
        kept = self._rows.get(key)
        if kept is None or not _same(given, kept[0]):
            kept = self._rows[key] = given, self._read(key, moment.plan.formula, given)
        return kept[1]

    def _read(self, key: tuple[str, Scope], formula: Formula, given: _Given) -> list[Row]:
        now = readings(formula, given[0], given[1])
        finals = [self._final((*key, place), formula, answers) for place, answers in enumerate(given[1:])]
        previous, reference = finals[0], finals[1] if len(finals) > 1 else {}
        rows = [Row(group, found, previous.get(name), reference.get(name)) for group, found, name in _named(now)]
        return sorted(rows, key=lambda row: (row.group.team or "", row.group.person or ""))

    def _final(
        self, key: tuple[str, Scope, int], formula: Formula, answers: Sequence[Mapping[Group, Measured]]
    ) -> Mapping[str | None, Reading]:
        kept = self._finals.get(key)
        if kept is None or not _same([answers], kept[0]):
            found = {name: reading for _, reading, name in _named(readings(formula, answers))}
            kept = self._finals[key] = [answers], found
        return kept[1]


def _named(found: Mapping[Group, Reading]) -> list[tuple[Group, Reading, str | None]]:
    return [(group, reading, name_of(group)) for group, reading in found.items()]


def _same(given: _Given, kept: _Given) -> bool:
    return all(
        new is old
        for answers, earlier in zip(given, kept, strict=True)
        for new, old in zip(answers, earlier, strict=True)
    )
