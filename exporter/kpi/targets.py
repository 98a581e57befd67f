"""Which target applies: to whom, on which date, and over a period in which it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from exporter.config.fields import Better
from exporter.config.targets import Band, Entry, Goal, Growth
from exporter.kpi.calendar import DateSpan
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.metrics.values import Group

_MIN_COVERAGE = 0.95
"""A reference period with less coverage is incomplete and gives no target."""


@dataclass(frozen=True, slots=True)
class TargetPeriod:
    """The period of a target: its dates, the weight of each, and the date of the as-of instant."""

    span: DateSpan
    weights: Sequence[float]
    today: date


def fixed_aim(target: float | Band | Goal, better: Better) -> Aim:
    """The aim of a target that is the same for everyone on every date: a number, a range, or the end of a goal."""
    if isinstance(target, Band):
        return Aim(*target.within, Better.WITHIN)
    return _number(target.to if isinstance(target, Goal) else target, better)


def growth_aim(target: Growth, better: Better, final: KpiReading | None) -> Aim | None:
    """A reference period's final value R grown by g: R + g|R|.

    None if R is absent, 0, or covers less than 0.95 of its records.
    """
    if final is None or not final.value or final.coverage < _MIN_COVERAGE:
        return None
    return _number(final.value + target.growth * abs(final.value), better)


def dated_aim(
    entries: Sequence[Entry], better: Better, period: TargetPeriod, group: Group, *, flow: bool
) -> Aim | None:
    """The aim of dated entries for a group; None if no entry applies on the as-of date.

    The entry in force on a date is the most specific one (the person's, else the team's, else the one for everyone),
    then the one with the latest `since`, then the later line. An entry without team or person applies to every scope
    unchanged: it is not divided among teams or people. If the entry changes within the period of a flow, the aim is
    the mean of its entries weighted by their days; otherwise it is the entry in force at the as-of instant.
    """
    today = entry_on(entries, period.today, group)
    if today is None:
        return None
    if not flow:
        return _aim(today, better)
    return _prorated(entries, better, period, group, today)


def entry_on(entries: Sequence[Entry], day: date, group: Group) -> Entry | None:
    """The entry in force for a group on a date."""
    ranked = (
        (rank, entry.since, line, entry)
        for line, entry in enumerate(entries)
        if entry.since <= day <= (entry.until or date.max) and (rank := _rank(entry, group)) is not None
    )
    return max(ranked, key=lambda row: row[:3], default=(0, date.min, 0, None))[3]


def _prorated(entries: Sequence[Entry], better: Better, period: TargetPeriod, group: Group, today: Entry) -> Aim:
    low = high = total = 0.0
    for first, until in _parts(entries, period.span):
        entry = entry_on(entries, first, group)
        if entry is None or (entry.within is None) is not (today.within is None):
            continue
        weight = sum(period.weights[(first - period.span.first).days : (until - period.span.first).days])
        aim = _aim(entry, better)
        low, high, total = low + weight * aim.low, high + weight * aim.high, total + weight
    now = _aim(today, better)
    return Aim(low / total, high / total, now.better) if total else now


def _parts(entries: Sequence[Entry], span: DateSpan) -> list[tuple[date, date]]:
    """Splits a span into parts within which no entry begins or ends."""
    changes = {entry.since for entry in entries}
    changes |= {entry.until + timedelta(days=1) for entry in entries if entry.until and entry.until < date.max}
    cuts = sorted({span.first, span.until, *(day for day in changes if span.first < day < span.until)})
    return list(pairwise(cuts))


def _rank(entry: Entry, group: Group) -> int | None:
    """How specific an entry is for a group; None if it applies to another team or person."""
    if entry.person is not None:
        return 2 if group.person is not None and entry.person.casefold() == group.person.casefold() else None
    if entry.team is not None:
        return 1 if group.team is not None and entry.team.casefold() == group.team.casefold() else None
    return 0


def _aim(entry: Entry, better: Better) -> Aim:
    if entry.within is not None:
        return Aim(*entry.within, Better.WITHIN)
    if entry.value is None:
        raise AssertionError
    return _number(entry.value, better)


def _number(value: float, better: Better) -> Aim:
    return Aim(value, value, better)
