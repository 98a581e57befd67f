"""Readings of KPIs out of answers, without doing again what the same answers already gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import NamedTuple

from exporter.config.fields import Scope
from exporter.kpi.moment import Moment
from exporter.kpi.readings import Answer, Formula, Reading, groups_of, name_of
from exporter.metrics.values import Answers, Group, Measured

_Final = Mapping[str | None, Reading]


class Row(NamedTuple):
    """One group: the period to date, and the finals of the period before and of the one growth is measured against.

    A final is None where the group had no record then, or where nothing is measured against it.
    """

    group: Group
    now: Reading
    previous: Reading | None
    reference: Reading | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read last: the answers, their finals, what each group's row was read from, and the rows in order."""

    given: Sequence[Sequence[Answer]]
    finals: Sequence[_Final]
    rows: Mapping[Group, tuple[Sequence[Measured | None], Row]]
    ordered: Sequence[Row]


_NOTHING = _Kept((), (), {}, ())


class Reader:
    """Reads KPI values from answers.

    Answers, and numbers in them, that are the same objects as last time are not read again: over a history most of
    one step are those of the step before.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Scope], _Kept] = {}

    def rows(self, moment: Moment, scope: Scope, answers: Answers) -> Sequence[Row]:
        """A row for every group that had records in the period to date or in the one before, in order of name."""
        key = moment.plan.kpi.name, scope
        given = [[answers[question] for question in asked] for asked in moment.asked(scope)]
        kept = self._kept.get(key, _NOTHING)
        if not _same(given, kept.given):
            kept = self._kept[key] = _read(moment.plan.formula, given, kept)
        return kept.ordered


def _read(formula: Formula, given: Sequence[Sequence[Answer]], kept: _Kept) -> _Kept:
    finals = [
        kept.finals[place] if kept.finals and _same([answers], [kept.given[place + 1]]) else _final(formula, answers)
        for place, answers in enumerate(given[1:])
    ]
    known = kept.rows if kept.finals and all(map(is_, finals, kept.finals)) else {}
    rows = {}
    for group in groups_of(given[0], given[1]):
        measured = [answer.get(group) for answer in given[0]]
        found = known.get(group)
        rows[group] = found if found and found[0] == measured else (measured, _row(formula, group, measured, finals))
    ordered = sorted((row for _, row in rows.values()), key=_by_name)
    return _Kept(given, finals, rows, ordered)


def _row(formula: Formula, group: Group, measured: Sequence[Measured | None], finals: Sequence[_Final]) -> Row:
    name = name_of(group)
    reference = finals[1].get(name) if len(finals) > 1 else None
    return Row(group, formula.read(measured), finals[0].get(name), reference)


def _final(formula: Formula, answers: Sequence[Answer]) -> _Final:
    return {name_of(group): formula.read([answer.get(group) for answer in answers]) for group in groups_of(answers)}


def _by_name(row: Row) -> tuple[str, str]:
    return row.group.team or "", row.group.person or ""


def _same(given: Sequence[Sequence[Answer]], kept: Sequence[Sequence[Answer]]) -> bool:
    return len(given) == len(kept) and all(
        new is old
        for answers, earlier in zip(given, kept, strict=True)
        for new, old in zip(answers, earlier, strict=True)
    )
