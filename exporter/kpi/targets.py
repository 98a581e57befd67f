"""Which target applies: to whom, on which date, and over a period in which it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from exporter.config.fields import Better
from exporter.config.targets import EQUAL, Band, Entry, Goal, Growth
from exporter.kpi.calendar import DateSpan
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.metrics.values import Group, Roster

_MIN_COVERAGE = 0.95
"""A reference period with less coverage is incomplete and gives no target."""


@dataclass(frozen=True, slots=True)
class NoTarget:
    """Why no target applies, in words for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class TargetPeriod:
    """The period of a target: its dates, the weight of each, and the date of the as-of instant."""

    span: DateSpan
    weights: Sequence[float]
    today: date


@dataclass(frozen=True, slots=True)
class ReferenceCoverage:
    """How much of a reference period is known, before any row of it is read.

    `share` is that of its weight after the first known record, which is of the date `first_record`; `dated` is that of
    the records which have a place in time.
    """

    share: float = 1.0
    first_record: date | None = None
    dated: float = 1.0


COMPLETE = ReferenceCoverage()
NOT_SET = NoTarget("no target is set")
COMPANY_ALONE = NoTarget("the target is the company's, and no other is set for this scope")
DAY_OFF = NoTarget("no work is expected in this period")
_NOT_IN_FORCE = NoTarget("no target is in force on this day")
_NO_REFERENCE = NoTarget("there are no records in the period to grow from")
_ZERO_REFERENCE = NoTarget("growth from 0 has no meaning")


def fixed_aim(target: float | Band | Goal, better: Better) -> Aim:
    """The aim of a target that is the same on every date: a number, a range, or the end of a goal."""
    if isinstance(target, Band):
        return Aim(*target.within, Better.WITHIN)
    return _number(target.to if isinstance(target, Goal) else target, better)


def growth_aim(
    target: Growth, better: Better, final: KpiReading | None, reference: ReferenceCoverage = COMPLETE
) -> Aim | NoTarget:
    """A reference period's final value R grown by g: R + g|R|.

    No target if R is absent, 0, or covers less than 0.95 of its period's weight and records.
    """
    if reference.share < _MIN_COVERAGE:
        begin = f"the records begin on {reference.first_record}" if reference.first_record else "there are no records"
        return NoTarget(f"{begin}: {percent(reference.share)} of the reference period are covered")
    if final is None or final.value is None:
        return _NO_REFERENCE
    coverage = final.coverage * reference.dated
    if coverage * reference.share < _MIN_COVERAGE:
        return NoTarget(f"only {percent(coverage)} of the records of the reference period could be used")
    if final.value == 0:
        return _ZERO_REFERENCE
    return _number(final.value + target.growth * abs(final.value), better)


@dataclass(frozen=True, slots=True)
class DatedTarget:
    """The dated entries of one KPI, with persons by their label.

    A target is the scope's own:

    - The company's is that of an entry without team or person.
    - A team's is that of the entry naming it, else its named share of the company's, else that of `per_team` or an
      equal share of the company's among all teams with members.
    - A person's is that of the entry naming them, else that of `per_person` or an equal share of their team's among
      its members. Only active members share.
    - If the target is `common`, a person without one has the one that names the team, and then everybody without one
      has the company's.

    Where several entries of one kind are in force, the one with the latest `since` applies, then the later line.
    """

    entries: tuple[Entry, ...]
    better: Better
    roster: Roster
    flow: bool = False
    common: bool = False
    _keys: dict[Group, object] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, entries: Sequence[Entry], better: Better, roster: Roster, *, flow: bool, common: bool) -> DatedTarget:
        """The target with its persons found in the roster. An entry for a person found twice applies to nobody."""
        labels = {entry.person: roster.label_of(entry.person) for entry in entries if entry.person is not None}
        labelled = (
            entry if entry.person is None else entry.model_copy(update={"person": labels[entry.person]})
            for entry in entries
            if entry.person is None or labels[entry.person] is not None
        )
        return cls(tuple(labelled), better, roster, flow, common)

    def key(self, group: Group) -> object:
        """Equal for groups with the same target."""
        key = self._keys.get(group)
        if key is None:
            key = self._keys[group] = self._key(group)
        return key

    def _key(self, group: Group) -> object:
        if any(not entry.is_companys and entry.value is None and entry.within is None for entry in self.entries):
            return group
        teams = {entry.team.casefold() for entry in self.entries if entry.team is not None}
        persons = {entry.person.casefold() for entry in self.entries if entry.person is not None}
        team, person = (group.team or "").casefold(), (group.person or "").casefold()
        named = team if team in teams else None, person if person in persons else None
        return group.team is None, group.person is None, named

    def aim(self, period: TargetPeriod, group: Group) -> Aim | NoTarget:
        """The aim for a group in a period.

        If it changes within the period of a flow, the mean of its parts weighted by their days; otherwise the aim on
        the as-of date.
        """
        today = self.on(period.today, group)
        if today is None:
            return _NOT_IN_FORCE if group.team is None and group.person is None else COMPANY_ALONE
        return self._prorated(period, group, today) if self.flow else today

    def on(self, day: date, group: Group) -> Aim | None:
        """The aim for a group on a date; None if no target applies."""
        if group.person is not None:
            return self._persons(day, group.person, group.team)
        return self._companys(day) if group.team is None else self._teams(day, group.team)

    def _companys(self, day: date) -> Aim | None:
        entry = self._latest(day, lambda entry: entry.is_companys)
        return None if entry is None else self._aim(entry)

    def _teams(self, day: date, team: str) -> Aim | None:
        entry = self._latest(day, lambda entry: _is(entry.team, team))
        if entry is not None:
            return self._aim(entry)
        companys = self._companys(day)
        entry = self._latest(day, lambda entry: entry.share_of(team) is not None)
        if entry is not None:
            return companys and companys.scaled(entry.share_of(team) or 0.0)
        entry = self._latest(day, lambda entry: entry.per_team is not None or entry.share == EQUAL)
        if entry is None:
            return companys if self.common else None
        if entry.per_team is not None:
            return _number(entry.per_team, self.better)
        teams = self.roster.members
        return companys.scaled(1 / len(teams)) if companys is not None and team.casefold() in teams else None

    def _persons(self, day: date, person: str, team: str | None) -> Aim | None:
        entry = self._latest(day, lambda entry: _is(entry.person, person))
        if entry is not None:
            return self._aim(entry)
        entry = self._latest(day, lambda entry: entry.per_person is not None or entry.share == EQUAL)
        if entry is not None and entry.per_person is not None:
            return _number(entry.per_person, self.better)
        if entry is not None:
            return self._share_of_team(day, person, team) if team is not None else None
        if not self.common:
            return None
        entry = self._latest(day, lambda entry: _is(entry.team, team))
        return self._companys(day) if entry is None else self._aim(entry)

    def _share_of_team(self, day: date, person: str, team: str) -> Aim | None:
        members = self.roster.members.get(team.casefold(), frozenset())
        teams = self._teams(day, team) if person in members else None
        return teams and teams.scaled(1 / len(members))

    def _latest(self, day: date, applies: Callable[[Entry], bool]) -> Entry | None:
        """The entry that is in force among those of one kind."""
        rows = [
            (entry.since, line, entry)
            for line, entry in enumerate(self.entries)
            if entry.since <= day <= (entry.until or date.max) and applies(entry)
        ]
        return max(rows, key=lambda row: row[:2], default=(date.min, 0, None))[2]

    def _prorated(self, period: TargetPeriod, group: Group, today: Aim) -> Aim:
        low = high = total = 0.0
        for first, until in _parts(self.entries, period.span):
            aim = self.on(first, group)
            if aim is None or aim.better is not today.better:
                continue
            weight = sum(period.weights[(first - period.span.first).days : (until - period.span.first).days])
            low, high, total = low + weight * aim.low, high + weight * aim.high, total + weight
        return Aim(low / total, high / total, today.better) if total else today

    def _aim(self, entry: Entry) -> Aim:
        if entry.within is not None:
            return Aim(*entry.within, Better.WITHIN)
        if entry.value is None:
            raise AssertionError
        return _number(entry.value, self.better)


def _parts(entries: Sequence[Entry], span: DateSpan) -> list[tuple[date, date]]:
    """Splits a span into parts within which no entry begins or ends."""
    changes = {entry.since for entry in entries}
    changes |= {entry.until + timedelta(days=1) for entry in entries if entry.until and entry.until < date.max}
    cuts = sorted({span.first, span.until, *(day for day in changes if span.first < day < span.until)})
    return list(pairwise(cuts))


def _is(name: str | None, other: str | None) -> bool:
    return name is not None and other is not None and name.casefold() == other.casefold()


def _number(value: float, better: Better) -> Aim:
    return Aim(value, value, better)


def percent(share: float) -> str:
    """The share in percent, rounded down, so that no incomplete period reads as complete."""
    return f"{int(share * 100 + 1e-9)} %"
